/** How the page's components get its state. */
import { computed, inject, type ComputedRef, type InjectionKey } from 'vue'
import { useI18n } from 'vue-i18n'

import type { ChatActions } from './actions'
import type { Chat } from './chat'
import type { ChatUi } from './ui'

export interface ChatContext {
  readonly chat: Chat
  readonly ui: ChatUi
  readonly actions: ChatActions
  /** Open a room (null: the list) with a new history entry for the browser's Back button. */
  go(slug: string | null): void
  /** The address of a room's page. */
  href(slug: string | null): string
}

export const CHAT: InjectionKey<ChatContext> = Symbol('chat')

export function useChat(): ChatContext {
  const context = inject(CHAT)
  if (!context) throw new Error('used outside the chat page')
  return context
}

/** Two letters for an avatar. */
export function initials(name: string): string {
  const words = name.split(/[\s._-]+/).filter(Boolean)
  const letters = words.length > 1 ? [...words[0]!].slice(0, 1).concat([...words[1]!].slice(0, 1)) : [...name].slice(0, 2)
  return letters.join('').toUpperCase()
}

/** The last error: the server's message, or a text in the user's language if there is none. */
export function useProblemText(): ComputedRef<string> {
  const { t } = useI18n()
  const { ui } = useChat()
  return computed(() => {
    const { code = '', text = '' } = ui.problem.value ?? {}
    if (code === 'disconnected') return t('chat.notConnected')
    return code === 'timeout' ? t('chat.noReply') : text
  })
}

/** The names of metrics in the user's language, or their own name if there is no translation. */
export function useMetricName(): (name: string) => string {
  const { t, te } = useI18n()
  return (name) => (te(`metric.${name}`, 'en') ? t(`metric.${name}`) : name)
}
