/** @import { Outcome, Payment, Problem, Purchase, Quote, Terms, Way } from '../types.ts' */
import { randomHex } from './base64.js'
import { compare } from './compare.js'
import { Lost, post } from './http.js'
import { onPhoto } from './intake.js'
import { endsPayment, moneySentence, problemOf } from './problem.js'
import { deliver } from './purchase.js'
import { loadRails, quoteOf } from './quote.js'
import { Store } from './store.js'
import * as view from './view.js'
import { walletWords } from './wallet_errors.js'

/** How old a quote may be that is signed: the shortest can be paid for half a minute. */
const FRESH_MS = 10_000
const NOT_CHARGED = 'You have not been charged.'

/** @type {Terms} */
const terms = JSON.parse(view.element('terms').textContent ?? '')
const rails = await loadRails(terms)
/** @type {Store} */
let store
/** @type {Purchase | null} */
let current = null
let busy = false

await start()

async function start() {
  view.element('app').hidden = false
  try {
    store = await Store.open()
  } catch {
    const reason = 'This browser keeps no data for this page, perhaps because the window is private.'
    view.show('none')
    view.showNotice('Nothing can be bought here', `${reason} A payment would not survive a reload.`, NOT_CHARGED)
    return
  }
  compare(view.element('compare'))
  onPhoto(file => run(() => choose(file)), () => !busy && !current?.payment)
  for (const id of ['another', 'again']) view.element(id).addEventListener('click', () => run(reset))
  await run(resume)
}

/** One thing at a time, whatever is clicked. @param {() => Promise<void>} act */
async function run(act) {
  if (busy) return
  busy = true
  try {
    view.clearNotice()
    await act()
  } finally {
    busy = false
  }
}

/** Go on where this tab, or one that was closed, stopped. */
async function resume() {
  current = (await store.get(sessionStorage.getItem('purchase') ?? '')) ?? (await store.unanswered()) ?? null
  if (!current) return view.show('choose')
  view.showPhoto(current)
  if (current.result) view.showResult(current, current.result, terms)
  else if (current.payment) await send(current)
  else await offer(current)
}

async function reset() {
  if (current) await store.forget(current.id)
  current = null
  view.show('choose')
}

/** @param {File} file */
async function choose(file) {
  if (file.size > terms.maxBytes) {
    const limit = view.megabytes(terms.maxBytes)
    view.showNotice('This photo is too large', `It has ${view.megabytes(file.size)}; up to ${limit} are accepted.`, NOT_CHARGED)
    return
  }
  if (current) await store.forget(current.id)
  const picture = new Blob([await file.arrayBuffer()], { type: file.type })
  const name = file.name || 'photo'
  current = { id: randomHex(16), createdAt: Date.now(), name, picture, payment: null, result: null }
  await store.save(current)
  sessionStorage.setItem('purchase', current.id)
  view.showPhoto(current)
  await offer(current)
}

/** Ask for the price, and show it. @param {Purchase} purchase */
async function offer(purchase) {
  view.show('working')
  const quote = await ask(purchase)
  if (quote) view.showOffer(quote.ways, way => run(() => pay(purchase, way, quote)))
}

/** @param {Purchase} purchase @returns {Promise<Quote | null>} null once the page says why there is none */
async function ask(purchase) {
  view.showProgress('Asking for the price …')
  const again = { label: 'Ask again', act: () => void run(() => offer(purchase)) }
  try {
    const answer = await post(terms.endpoint, purchase.picture, {}, share => view.showProgress('Asking for the price …', share))
    if (answer.status === 402) return quoteOf(answer, terms, rails)
    const problem = await problemOf(answer)
    if (problem?.retry_action === 'fix_request') await reset()
    if (problem) view.showProblem({ ...problem, charged: false }, problem.retry_action === 'fix_request' ? [] : [again])
    else view.showNotice('No price', 'The service did not answer as expected.', NOT_CHARGED, [again])
  } catch (error) {
    if (!(error instanceof Lost)) throw error
    view.showNotice('No connection', 'The service could not be reached.', NOT_CHARGED, [again])
  }
  return null
}

/** @param {Purchase} purchase @param {Way} way @param {Quote} shown the quote on the page */
async function pay(purchase, way, shown) {
  view.show('working')
  const quote = Date.now() - shown.at > FRESH_MS ? await ask(purchase) : shown
  if (!quote) return
  const same = quote.ways.find(each => each.id === way.id && each.amount === way.amount)
  const back = () => view.showOffer(quote.ways, each => run(() => pay(purchase, each, quote)))
  if (!same) {
    back()
    view.showNotice('The price has changed', 'Look at the new price before you pay.', NOT_CHARGED)
    return
  }
  view.showProgress(`Confirm ${way.amount} in your wallet …`)
  try {
    const header = await same.sign()
    purchase.payment = { ...header, rail: way.rail.name, amount: way.amount, place: way.rail.place }
  } catch (error) {
    back()
    view.showNotice('No payment was made', walletWords(error, way.rail.network), NOT_CHARGED)
    return
  }
  // Before the first byte leaves: from here on this payment is sent, again if need be, and no other.
  await store.save(purchase)
  await send(purchase)
}

/** Send the payment until there is an answer; one tab at a time. @param {Purchase} purchase */
async function send(purchase) {
  view.show('working')
  view.showProgress('Sending your photo …')
  await exclusively(purchase.id, async () => {
    const latest = (await store.get(purchase.id)) ?? purchase
    if (latest.result) return finish(latest, { kind: 'bought', result: latest.result })
    if (!latest.payment) return offer(latest)
    const paid = /** @type {Purchase & { payment: Payment }} */ (latest)
    await finish(latest, await deliver(terms.endpoint, paid, onUpload, onWait))
  })
}

/** @param {number} share */
function onUpload(share) {
  if (share < 1) view.showProgress('Sending your photo …', share)
  else view.showProgress('Removing the background …')
}

/** @param {Problem | null} problem */
function onWait(problem) {
  view.showProgress(`${problem?.title ?? 'No answer yet'}. Sending the same payment again …`)
}

/** @param {Purchase} purchase @param {Outcome} outcome */
async function finish(purchase, outcome) {
  current = purchase
  if (outcome.kind === 'bought') {
    purchase.result = outcome.result
    await store.save(purchase)
    view.showResult(purchase, outcome.result, terms)
  } else if (outcome.kind === 'refused' && endsPayment(outcome.problem)) {
    await notBought(purchase, outcome.problem)
  } else {
    undecided(purchase, outcome.problem)
  }
}

/** The payment is proven unused: forget it, and offer what can be done. @param {Purchase} purchase @param {Problem} problem */
async function notBought(purchase, problem) {
  purchase.payment = null
  await store.save(purchase)
  if (problem.retry_action === 'fix_request') await reset()
  else await offer(purchase)
  view.showProblem(problem)
}

/** The payment is kept: it has moved, or may move, or the service is busy. @param {Purchase} purchase @param {Problem | null} problem */
function undecided(purchase, problem) {
  const actions = [{ label: 'Send the same payment again', act: () => void run(() => send(purchase)) }]
  if (problem?.charged === false) {
    const giveUp = () => run(() => notBought(purchase, { ...problem, detail: 'You have stopped this purchase.' }))
    actions.push({ label: 'Stop without paying', act: () => void giveUp() })
  }
  view.showProgress('Not finished.', 0)
  if (problem) view.showProblem(problem, actions)
  else view.showNotice('No answer yet', 'The service could not be reached.', moneySentence(null), actions)
}

/** @param {string} name @param {() => Promise<void>} act */
async function exclusively(name, act) {
  // Without locks (a page over plain HTTP) a second tab is told that the payment is in progress.
  if (navigator.locks) await navigator.locks.request(name, act)
  else await act()
}
