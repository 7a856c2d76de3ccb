/** The style of the inspection page. */
export const PAGE_STYLE = `
:root { color-scheme: light dark; font: 15px/1.45 system-ui, sans-serif; }
body { margin: 0 auto; padding: 1rem; max-width: 75rem; }
h1 { font-size: 1.3rem; margin: 0 0 .25rem; }
h2 { font-size: 1.05rem; margin: 1.5rem 0 .25rem; }
p { margin: .25rem 0; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .25rem .75rem .25rem 0; border-bottom: 1px solid #8884; }
th { font-weight: 600; white-space: nowrap; }
td.number { font-variant-numeric: tabular-nums; white-space: nowrap; }
td.text { white-space: pre-wrap; overflow-wrap: anywhere; min-width: 12rem; }
.bad { color: #c62828; } .good { color: #2e7d32; } .dim { opacity: .65; }
@media (prefers-color-scheme: dark) { .bad { color: #ef9a9a; } .good { color: #a5d6a7; } }
`

/** The script of the inspection page: fetches the page again and again, and puts in what has changed. The server has escaped it. */
export const PAGE_SCRIPT = `
'use strict'
const status = document.getElementById('status')
async function look() {
  try {
    const response = await fetch('/emulator/', { cache: 'no-store' })
    if (!response.ok) throw new Error()
    const next = new DOMParser().parseFromString(await response.text(), 'text/html').querySelector('main')
    const now = document.querySelector('main')
    if (next.innerHTML !== now.innerHTML) now.replaceWith(document.adoptNode(next))
    status.textContent = ''
  } catch {
    status.textContent = 'The emulator does not answer.'
  }
  setTimeout(look, document.hidden ? 5000 : 1000)
}
setTimeout(look, 1000)
`
