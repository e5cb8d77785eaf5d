/** The entry point of every page: the styles, the navigation, the theme button, the clock, the bell, the number of unread messages. */
import './styles/app.css'

import { readBoot } from './lib/boot'
import { startClock } from './lib/clock-display'
import { bindFormButtons } from './lib/form-buttons'
import { keepForms } from './lib/kept-forms'
import { bindThemeButtons } from './lib/theme'

import { startBell } from './shell/bell'
import { startChatCount } from './shell/chat-count'
import { bindNavigation } from './shell/navigation'

bindNavigation()
bindThemeButtons()
bindFormButtons()
startClock()
startBell(readBoot())
keepForms(readBoot().user?.id ?? 0)
startChatCount(readBoot())
