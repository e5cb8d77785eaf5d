/** Posting a metric into rooms: once into each for one opening of the list, however often it is pressed. */
import { newId } from '@/lib/ids'

export class Posting {
  private readonly ids = new Map<string, string>()
  private isUnderWay = false

  /** @param post send a card to a room under a client_message_id; rejects when that failed */
  constructor(private readonly post: (room: string, clientMessageId: string) => Promise<void>) {}

  /** The list is opened: what is posted from here on is meant anew. */
  begin(): void {
    this.ids.clear()
  }

  /**
   * Post, unless a post is under way. Returns whether it was done.
   *
   * After a failure the same message is sent again: the first try may have got through.
   */
  async to(room: string): Promise<boolean> {
    if (this.isUnderWay) return false
    const id = this.ids.get(room) ?? newId()
    this.ids.set(room, id)
    this.isUnderWay = true
    try {
      await this.post(room, id)
      return true
    } finally {
      this.isUnderWay = false
    }
  }
}
