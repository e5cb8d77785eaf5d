/** The quote in a reply, until the server sends it. Pure. */
import type { Message, Quote } from './types'

const LENGTH = 140

export function quoteOf(message: Message): Quote {
  return { messageId: message.messageId, sequence: message.sequence, userId: message.userId, username: message.username, excerpt: message.text.replace(/\s+/g, ' ').slice(0, LENGTH) }
}
