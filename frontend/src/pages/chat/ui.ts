/** What is open on the page besides the room itself, and what it says went wrong. */
import { reactive, ref, shallowRef, type Ref, type ShallowRef } from 'vue'

import { ApiError } from '@/lib/api'
import { CommandError } from '@/lib/socket'

import type { Message, Quote } from './model/types'

export type Side = 'members' | 'search' | 'pins'

const WIDE = '(min-width: 1280px)'

export class ChatUi {
  readonly side: Ref<Side | null> = ref(matchMedia(WIDE).matches ? 'members' : null)
  /** The message whose text is being changed. */
  readonly editing: Ref<number | null> = ref(null)
  /** The message that the next one answers, by room. */
  readonly replying = reactive(new Map<string, Quote>())
  readonly revisionsOf: ShallowRef<Message | null> = shallowRef(null)
  readonly deleting: ShallowRef<Message | null> = shallowRef(null)
  /** Who waits for an emoji, and beside what it is picked. */
  readonly emojiFor: ShallowRef<{ readonly anchor: Element | null; readonly take: (emoji: string) => void } | null> = shallowRef(null)
  /** Counts the times that the composer was to take the focus. */
  readonly composerCalls: Ref<number> = ref(0)
  /** The room whose draft has got back what was not sent. */
  readonly takenBack: ShallowRef<{ readonly room: string } | null> = shallowRef(null)
  readonly problem: Ref<{ readonly code: string; readonly text: string } | null> = ref(null)

  toggleSide(side: Side): void {
    this.side.value = this.side.value === side ? null : side
  }

  pickEmoji(anchor: Element | null, take: (emoji: string) => void): void {
    this.emojiFor.value = { anchor, take }
  }

  focusComposer(): void {
    this.composerCalls.value += 1
  }

  /** Do something that the server may refuse; what it says is then shown. Returns whether it was done. */
  async attempt(act: () => Promise<unknown>): Promise<boolean> {
    try {
      await act()
      this.problem.value = null
      return true
    } catch (error) {
      if (error instanceof CommandError) this.problem.value = { code: error.code, text: error.message }
      else if (error instanceof ApiError) this.problem.value = { code: error.status === 0 ? 'disconnected' : 'refused', text: error.message }
      else throw error
      return false
    }
  }
}
