/** @import { Answer, Quote, Terms } from '../types.ts' */
import { decode } from './base64.js'

/**
 * What a 402 asks for, on the rails of this page.
 *
 * @param {Answer} answer
 * @param {Terms} terms
 * @returns {Quote}
 */
export function quoteOf(answer, terms) {
  const date = Date.parse(answer.header('Date') ?? '')
  const offers = new Set(terms.rails.map(rail => rail.name))
  return {
    at: Date.now(),
    clockAhead: Number.isNaN(date) ? 0 : Math.round((date - Date.now()) / 1000),
    x402: offers.has('x402') ? x402(answer.header('PAYMENT-REQUIRED')) : null,
    mpp: offers.has('mpp') ? mpp(answer.header('WWW-Authenticate')) : null,
  }
}

/** @param {string | null} header @returns {Quote['x402']} */
function x402(header) {
  if (!header) return null
  const { resource, accepts } = JSON.parse(decode(header))
  return { resource, accepts }
}

/** @param {string | null} header @returns {Quote['mpp']} the first challenge is the one that is paid */
function mpp(header) {
  const request = header?.match(/\brequest="([^"]+)"/)?.[1]
  if (!header || !request) return null
  return { header, amount: JSON.parse(decode(request)).amount }
}

/** @param {string} units base units of a coin with six decimals @returns {string} `0.05` */
export function dollars(units) {
  const [whole, part] = (Number(units) / 1e6).toFixed(6).split('.')
  return `${whole}.${part.replace(/0{1,4}$/, '')}`
}
