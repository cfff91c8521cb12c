/** @import { Answer, Outcome, Payment, Problem, Purchase, Result } from '../types.ts' */
import { decode } from './base64.js'
import { Lost, post } from './http.js'
import { isForResending, problemOf } from './problem.js'

/** How long the same payment is sent again by itself before the buyer is asked. */
const PATIENCE_MS = 120_000
const PAUSE_S = 2

/**
 * Send a purchase's payment with its picture until the answer is there. Each try sends the same payment, which the
 * service charges once.
 *
 * @param {string} endpoint
 * @param {Purchase & { payment: Payment }} purchase
 * @param {(share: number) => void} onUpload
 * @param {(problem: Problem | null) => void} onWait an answer that says `later`, or none
 * @returns {Promise<Outcome>}
 */
export async function deliver(endpoint, purchase, onUpload, onWait) {
  const giveUpAt = Date.now() + PATIENCE_MS
  for (;;) {
    const outcome = await attempt(endpoint, purchase, onUpload)
    if (outcome.kind !== 'open' || Date.now() > giveUpAt) return outcome
    onWait(outcome.problem)
    await new Promise(resolve => setTimeout(resolve, (outcome.problem?.retry_after ?? PAUSE_S) * 1000))
  }
}

/**
 * @param {string} endpoint
 * @param {Purchase & { payment: Payment }} purchase
 * @param {(share: number) => void} onUpload
 * @returns {Promise<Outcome>}
 */
async function attempt(endpoint, purchase, onUpload) {
  const { name, value, receiptHeader } = purchase.payment
  try {
    const headers = { [name]: value, 'Idempotency-Key': purchase.id }
    const answer = await post(endpoint, purchase.picture, headers, onUpload)
    return await outcomeOf(answer, receiptHeader)
  } catch (error) {
    if (error instanceof Lost) return { kind: 'open', problem: null }
    throw error
  }
}

/** @param {Answer} answer @param {string} receiptHeader @returns {Promise<Outcome>} */
async function outcomeOf(answer, receiptHeader) {
  if (answer.status === 200) return { kind: 'bought', result: resultOf(answer, receiptHeader) }
  const problem = await problemOf(answer)
  if (problem === null || isForResending(problem)) return { kind: 'open', problem }
  return { kind: 'refused', problem }
}

/** @param {Answer} answer @param {string} receiptHeader @returns {Result} */
function resultOf(answer, receiptHeader) {
  const receipt = answer.header(receiptHeader)
  return { picture: answer.body, receipt: receipt ? JSON.parse(decode(receipt)) : {} }
}
