import 'uplot/dist/uPlot.min.css'
import './dashboard.css'

import { createApp } from 'vue'

import { readBoot } from '@/lib/boot'
import { createMessages } from '@/lib/i18n'

import DashboardPage from './components/DashboardPage.vue'
import { DASHBOARD } from './context'
import { Dashboard } from './dashboard'

const boot = readBoot()
const root = document.getElementById('app')
if (root) {
  const page = createApp(DashboardPage, {
    workspaceName: boot.workspace?.name ?? '',
    loginUrl: root.dataset.loginUrl ?? '/',
  })
  page.use(createMessages(boot.language))
  page.provide(DASHBOARD, new Dashboard(boot.workspace?.slug ?? null))
  page.mount(root)
}
