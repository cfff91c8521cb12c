/** @import { Provider, Quote, Rail, Terms, TestWallet, TestWalletModule, Way } from '../types.ts' */
import { dollars } from './quote.js'
import { requirementOf, signX402 } from './x402.js'

/**
 * How this quote can be paid in this browser, the buyer's own wallet first.
 *
 * @param {Terms} terms
 * @param {Quote} quote
 * @returns {Way[]}
 */
export function waysOf(terms, quote) {
  return terms.rails.flatMap(rail => (rail.name === 'x402' ? x402Ways(terms, rail, quote) : mppWays(terms, rail, quote)))
}

/** @returns {Provider | undefined} */
export function injected() {
  return /** @type {{ ethereum?: Provider }} */ (window).ethereum
}

/** @param {Terms} terms @param {Rail} rail @param {Quote} quote @returns {Way[]} */
function x402Ways(terms, rail, quote) {
  const requirement = requirementOf(quote, rail)
  if (!requirement) return []
  const amount = amountOf(rail, requirement.amount, requirement.asset)
  const ways = []
  if (injected()) {
    ways.push({
      ...{ id: 'x402-wallet', rail, amount, label: 'Your wallet' },
      sign: (/** @type {Quote} */ fresh) => signX402(/** @type {Provider} */ (injected()), fresh, rail),
    })
  }
  const test = terms.testWallet
  if (test) {
    ways.push({
      ...{ id: 'x402-test', rail, amount, label: 'Test wallet' },
      sign: async (/** @type {Quote} */ fresh) => signX402((await moduleOf(test)).provider(test.key), fresh, rail),
    })
  }
  return ways
}

/**
 * Wallets in browsers do not sign Tempo transactions for others to send, so only the test wallet pays here.
 *
 * @param {Terms} terms @param {Rail} rail @param {Quote} quote @returns {Way[]}
 */
function mppWays(terms, rail, quote) {
  const test = terms.testWallet
  if (!test || !quote.mpp) return []
  return [
    {
      ...{ id: 'mpp-test', rail, amount: amountOf(rail, quote.mpp.amount, rail.tokens[0].address), label: 'Test wallet' },
      sign: async fresh => {
        const wallet = await moduleOf(test)
        const header = fresh.mpp?.header ?? ''
        return { name: 'Authorization', value: await wallet.payMpp(header, test.key, test.tempoRpcUrl) }
      },
    },
  ]
}

/** @param {Rail} rail @param {string} units @param {string} asset @returns {string} */
function amountOf(rail, units, asset) {
  const token = rail.tokens.find(each => each.address.toLowerCase() === asset.toLowerCase())
  return `${dollars(units)} ${token?.name ?? asset}`
}

/** @param {TestWallet} test @returns {Promise<TestWalletModule>} loaded when it first pays */
function moduleOf(test) {
  return import(test.script)
}
