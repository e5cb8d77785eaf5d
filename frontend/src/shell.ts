/** What every page loads: the styles, the theme button, the clock, the bell. */
import './styles/app.css'

import { readBoot } from './lib/boot'
import { startClock } from './lib/clock-display'
import { bindFormButtons } from './lib/form-buttons'
import { bindThemeButtons } from './lib/theme'

import { startBell } from './shell/bell'

bindThemeButtons()
bindFormButtons()
startClock()
startBell(readBoot())
