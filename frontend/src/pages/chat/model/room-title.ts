import type { RoomInfo } from './types'

/** What a room is called: its name, or the other person of a direct one. */
export const roomTitle = (info: RoomInfo): string => info.peer?.username ?? info.name
