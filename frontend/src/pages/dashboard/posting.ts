/** Posts a metric to rooms: once to each room per opening of the list, however often the button is pressed. */
import { newId } from '@/lib/ids'

export class Posting {
  private readonly ids = new Map<string, string>()
  private isUnderWay = false

  /** @param post sends a card to a room under a client_message_id; rejects if that failed */
  constructor(private readonly post: (room: string, clientMessageId: string) => Promise<void>) {}

  /** The list is opened: posts from here on are new messages. */
  begin(): void {
    this.ids.clear()
  }

  /**
   * Post, unless a post is in progress. Returns whether it succeeded.
   *
   * After a failure the same message is sent again, because the first attempt may have reached the server.
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
