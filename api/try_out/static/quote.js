/** @import { Answer, LoadedRail, Quote, Terms } from '../types.ts' */

/**
 * What a 402 asks for, and how it can be paid in this browser.
 *
 * @param {Answer} answer
 * @param {Terms} terms
 * @param {LoadedRail[]} rails
 * @returns {Quote}
 */
export function quoteOf(answer, terms, rails) {
  const date = Date.parse(answer.header('Date') ?? '')
  const clockAhead = Number.isNaN(date) ? 0 : Math.round((date - Date.now()) / 1000)
  const ways = rails.flatMap(({ rail, module }) => module.waysOf(answer, rail, terms, clockAhead))
  return { at: Date.now(), ways }
}

/** @param {Terms} terms @returns {Promise<LoadedRail[]>} the rails with their modules, in the order of the offer */
export function loadRails(terms) {
  return Promise.all(terms.rails.map(async rail => ({ rail, module: await import(rail.module) })))
}
