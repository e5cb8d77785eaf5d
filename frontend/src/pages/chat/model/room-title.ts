import type { RoomInfo } from './types'

/** The title of a room: its name, or the other user of a direct room. */
export const roomTitle = (info: RoomInfo): string => info.peer?.username ?? info.name
