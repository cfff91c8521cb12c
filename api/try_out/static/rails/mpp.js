/** @import { Answer, Rail, Terms, Way } from '../../types.ts' */
import { decode } from '../base64.js'
import { amountOf, moduleOf } from '../wallets.js'

/**
 * How a 402 can be paid. Wallets in browsers do not sign Tempo transactions for others to send, so only the test wallet
 * pays here.
 *
 * @param {Answer} answer
 * @param {Rail} rail
 * @param {Terms} terms
 * @returns {Way[]}
 */
export function waysOf(answer, rail, terms) {
  const challenge = challengeOf(answer.header('WWW-Authenticate'))
  const test = terms.testWallet
  if (!test || !challenge) return []
  return [
    {
      id: 'mpp-test',
      rail,
      amount: amountOf(rail, challenge.amount, rail.tokens[0].address),
      label: 'Test wallet',
      sign: async () => {
        const wallet = await moduleOf(test)
        const value = await wallet.payMpp(challenge.header, test.key, test.rpcUrls[rail.name])
        return { name: 'Authorization', value, receiptHeader: 'Payment-Receipt' }
      },
    },
  ]
}

/** @param {string | null} header the page pays the first challenge */
function challengeOf(header) {
  const request = header?.match(/\brequest="([^"]+)"/)?.[1]
  if (!header || !request) return null
  return { header, amount: /** @type {string} */ (JSON.parse(decode(request)).amount) }
}
