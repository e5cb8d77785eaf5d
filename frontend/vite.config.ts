/// <reference types="vitest/config" />
import { fileURLToPath } from 'node:url'

import VueI18nPlugin from '@intlify/unplugin-vue-i18n/vite'
import vue from '@vitejs/plugin-vue'
import { defineConfig } from 'vite'

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url))

export default defineConfig({
  base: '/static/dist/',
  publicDir: false,
  plugins: [
    vue(),
    // Compile messages to functions and plain data: the page's policy forbids eval.
    VueI18nPlugin({ include: [here('./src/locales/*.json')], runtimeOnly: true, strictMessage: true }),
  ],
  resolve: { alias: { '@': here('./src') } },
  define: {
    __VUE_OPTIONS_API__: 'false',
    __VUE_PROD_DEVTOOLS__: 'false',
    __VUE_PROD_HYDRATION_MISMATCH_DETAILS__: 'false',
  },
  build: {
    outDir: here('../static/dist'),
    emptyOutDir: true,
    manifest: true,
    license: true,
    target: 'es2022',
    modulePreload: { polyfill: false },
    // The content security policy allows fonts and pictures from this origin only, no data: fonts.
    assetsInlineLimit: 0,
    rollupOptions: { input: ['src/shell.ts', 'src/pages/dashboard/main.ts', 'src/pages/chat/main.ts', 'src/pages/inbox/main.ts'] },
  },
  test: {
    environment: 'node',
    include: ['src/**/*.test.ts', 'tests/**/*.test.ts'],
  },
})
