/** @import { Purchase, Result, Terms } from '../types.ts' */

/** Where a transaction of a public chain can be looked at. @type {Record<number, string>} */
const EXPLORERS = {
  8453: 'https://basescan.org/tx/',
  84532: 'https://sepolia.basescan.org/tx/',
  4217: 'https://explore.tempo.xyz/tx/',
  42431: 'https://explore.testnet.tempo.xyz/tx/',
}

/**
 * The receipt as pairs of `<dt>` and `<dd>`.
 *
 * @param {Purchase} purchase
 * @param {Result} result
 * @param {Terms} terms
 * @returns {[HTMLElement, HTMLElement][]}
 */
export function facts(purchase, result, terms) {
  const rail = terms.rails.find(each => each.name === purchase.payment?.rail)
  const transaction = String(result.receipt.transaction ?? result.receipt.reference ?? '')
  const explorer = rail && rail.money !== 'sandbox' ? EXPLORERS[rail.chain_id] : undefined
  return [
    pair('Paid', purchase.payment?.amount ?? ''),
    pair('Network', purchase.payment?.place ?? ''),
    pair('Transaction', transaction, explorer && transaction ? explorer + transaction : undefined),
  ]
}

/** @param {Purchase} purchase @param {Result} result */
export function receiptFile(purchase, result) {
  const { amount, place, rail } = purchase.payment ?? {}
  const content = { purchase: purchase.id, file: purchase.name, rail, amount, network: place, receipt: result.receipt }
  return new Blob([JSON.stringify(content, null, 2)], { type: 'application/json' })
}

/** @param {string} name @param {string} value @param {string} [url] @returns {[HTMLElement, HTMLElement]} */
function pair(name, value, url) {
  const [term, text] = [document.createElement('dt'), document.createElement('dd')]
  term.textContent = name
  if (url) {
    const link = document.createElement('a')
    link.href = url
    link.rel = 'noreferrer'
    link.textContent = value
    text.append(link)
  } else text.textContent = value
  return [term, text]
}
