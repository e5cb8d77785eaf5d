/** The permission to write in a room, and sets of members. Pure. */
import type { Member, RoomInfo } from './types'

/** The same decision as the server's, until the server's next summary replaces it. */
export function mayPost(info: RoomInfo, member: Member): boolean {
  const isMuted = member.mutedUntil !== null && member.mutedUntil > Date.now()
  return !info.archived && !isMuted && member.role !== 'read_only'
}

export function withMember(set: ReadonlySet<number>, member: number, is: boolean): ReadonlySet<number> {
  const next = new Set(set)
  if (is) next.add(member)
  else next.delete(member)
  return next
}
