/** @import { Answer, Problem } from '../types.ts' */

/**
 * The problem document of an answer; null where the answer is no word of the service (a proxy's page, a cut body).
 *
 * @param {Answer} answer
 * @returns {Promise<Problem | null>}
 */
export async function problemOf(answer) {
  if (!(answer.header('Content-Type') ?? '').startsWith('application/problem+json')) return null
  try {
    return JSON.parse(await answer.body.text())
  } catch {
    return null
  }
}

/**
 * What happened to the money, in one sentence.
 *
 * @param {Problem | null} problem null where the service has said nothing
 */
export function moneySentence(problem) {
  if (problem?.charged === false) return 'You have not been charged.'
  if (problem?.code === 'payment_spent_elsewhere') return 'This payment was used elsewhere before.'
  if (problem?.charged) return 'Your payment has moved, or may still move. Do not pay again for this photo.'
  return 'It is not known yet whether your payment has moved. It is kept in this browser, and no second one is made.'
}

/**
 * Whether a definite answer ends the payment, so that it may be forgotten: only where it is proven unused.
 *
 * @param {Problem} problem
 */
export function endsPayment(problem) {
  return problem.charged === false && !isForResending(problem)
}

/** @param {Problem} problem */
export function isForResending(problem) {
  return problem.retry_action === 'resend_same' || problem.retry_action === 'wait_and_resend'
}
