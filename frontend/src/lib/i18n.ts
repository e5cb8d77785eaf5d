/** All visible strings of the pages' scripts. Django translates the server-rendered parts. */
import { createI18n } from 'vue-i18n'

import en from '@/locales/en.json'
import zhHans from '@/locales/zh-Hans.json'

type Messages = typeof en
type Locale = 'en' | 'zh-Hans'

/** @param language Django's language code, such as `zh-hans` */
export function createMessages(language: string) {
  return createI18n<[Messages], Locale, false>({
    legacy: false,
    locale: language.toLowerCase().startsWith('zh') ? 'zh-Hans' : 'en',
    fallbackLocale: 'en',
    messages: { en, 'zh-Hans': zhHans },
  })
}
