/** @import { Problem, Purchase, Result, Terms, Way } from '../types.ts' */
import { moneySentence } from './problem.js'
import { facts, receiptFile } from './receipt.js'

/** @typedef {'none' | 'choose' | 'offer' | 'working' | 'result'} Stage */
/** @typedef {{ label: string, act: () => void }} Action */

/** @template {HTMLElement} [T=HTMLElement] @param {string} id @returns {T} */
export function element(id) {
  return /** @type {T} */ (document.getElementById(id))
}

/** @type {Map<string, string>} */
const urls = new Map()

/** Show one stage of the purchase. @param {Stage} stage */
export function show(stage) {
  document.body.dataset.shows = stage
  for (const each of document.querySelectorAll('[data-stage]')) {
    each.toggleAttribute('hidden', each.getAttribute('data-stage') !== stage)
  }
}

/** The photo that was chosen. @param {Purchase} purchase */
export function showPhoto(purchase) {
  const url = urlOf('photo', purchase.picture)
  for (const id of ['preview', 'in-work', 'before']) element(id).setAttribute('src', url)
  element('file').textContent = `${purchase.name}, ${megabytes(purchase.picture.size)}`
}

/**
 * The price, and a button for each way to pay it.
 *
 * @param {Way[]} ways
 * @param {(way: Way) => void} pay
 */
export function showOffer(ways, pay) {
  element('price').textContent = ways.length ? `$${ways[0].amount.split(' ')[0]}` : element('price').dataset.usual ?? ''
  element('no-way').hidden = ways.length > 0
  element('ways').replaceChildren(...ways.map((way, at) => button(way, at === 0, pay)))
  show('offer')
}

/** @param {Way} way @param {boolean} first @param {(way: Way) => void} pay */
function button(way, first, pay) {
  const made = document.createElement('button')
  made.type = 'button'
  made.id = way.id
  made.className = first ? 'primary' : ''
  made.append(line('strong', `Pay ${way.amount}`), line('span', `${way.label} · ${way.rail.title} on ${way.rail.network}`))
  made.addEventListener('click', () => pay(way))
  return made
}

/** @param {string} name @param {string} text */
function line(name, text) {
  const made = document.createElement(name)
  made.textContent = text
  return made
}

/**
 * How far the purchase is.
 *
 * @param {string} text
 * @param {number} [share] 0 to 1; without it nobody knows
 */
export function showProgress(text, share) {
  const bar = element('bar')
  if (share === undefined) bar.removeAttribute('value')
  else bar.setAttribute('value', String(share))
  if (element('status').textContent !== text) element('status').textContent = text
}

/** @param {Purchase} purchase @param {Result} result @param {Terms} terms */
export function showResult(purchase, result, terms) {
  const picture = urlOf('result', result.picture)
  element('after').setAttribute('src', picture)
  link('download', picture, `${purchase.name.replace(/\.[^.]*$/, '')}-cutout.png`)
  link('receipt', urlOf('receipt', receiptFile(purchase, result)), `${purchase.id.slice(2, 10)}-receipt.json`)
  element('facts').replaceChildren(...facts(purchase, result, terms).flatMap(([name, value]) => [name, value]))
  showProgress('Your cut-out is ready.', 1)
  show('result')
}

/** @param {string} id @param {string} url @param {string} file */
function link(id, url, file) {
  element(id).setAttribute('href', url)
  element(id).setAttribute('download', file)
}

/**
 * Say what went wrong, what happened to the money, and what can be done.
 *
 * @param {string} title
 * @param {string} detail
 * @param {string} money
 * @param {Action[]} actions
 */
export function showNotice(title, detail, money, actions = []) {
  element('notice-title').textContent = title
  element('notice-detail').textContent = detail
  element('notice-money').textContent = money
  element('notice-actions').replaceChildren(...actions.map(notice))
  element('notice').hidden = false
  element('notice').focus()
}

/** @param {Action} action */
function notice({ label, act }) {
  const made = document.createElement('button')
  made.type = 'button'
  made.textContent = label
  made.addEventListener('click', act)
  return made
}

/** @param {Problem} problem @param {Action[]} actions */
export function showProblem(problem, actions = []) {
  const id = problem.charged === false || !problem.request_id ? '' : ` The request id is ${problem.request_id}.`
  showNotice(problem.title, `${problem.detail}${id}`, moneySentence(problem), actions)
}

export function clearNotice() {
  element('notice').hidden = true
}

/** @param {string} name @param {Blob} content @returns {string} the URL; the one that had this name before is freed */
function urlOf(name, content) {
  URL.revokeObjectURL(urls.get(name) ?? '')
  const url = URL.createObjectURL(content)
  urls.set(name, url)
  return url
}

/** @param {number} bytes */
export function megabytes(bytes) {
  return bytes < 1e6 ? `${Math.max(1, Math.round(bytes / 1e3))} kB` : `${(bytes / 1e6).toFixed(1)} MB`
}
