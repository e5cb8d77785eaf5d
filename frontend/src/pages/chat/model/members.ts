/** Who may write in a room, and sets of its people. Pure. */
import type { Member, RoomInfo } from './types'

/** As the server decides it, until its next summary says so itself. */
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
