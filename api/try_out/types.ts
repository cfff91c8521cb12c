// Types that the modules share; never served.

/** What the page knows of the offer: the data block `terms` that the server writes. */
export interface Terms {
  endpoint: string
  maxBytes: number
  rails: Rail[]
  testWallet: TestWallet | null
}

export interface Rail {
  name: string
  /** Path of its module, a `RailModule`. */
  module: string
  title: string
  network: string
  place: string
  chain_id: number
  tokens: { name: string; address: string }[]
  money: 'real' | 'testnet' | 'sandbox'
  /** Where a transaction of a public chain is shown: the URL before its hash. */
  explorer: string | null
}

/** What each module in `rails/` exports. */
export interface RailModule {
  /** The ways to pay a 402 in this browser; `clockAhead`: seconds by which the service's clock is ahead of this one. */
  waysOf(answer: Answer, rail: Rail, terms: Terms, clockAhead: number): Way[]
}

export interface LoadedRail {
  rail: Rail
  module: RailModule
}

/** The sandbox's public buyer account, and the module that signs for it. */
export interface TestWallet {
  address: string
  key: `0x${string}`
  /** Of the nodes that it calls, by rail. */
  rpcUrls: Record<string, string>
  script: string
}

/** EIP-1193. */
export interface Provider {
  request(call: { method: string; params?: unknown }): Promise<unknown>
}

/** The module `test_wallet.js`. */
export interface TestWalletModule {
  provider(key: `0x${string}`): Provider
  payMpp(wwwAuthenticate: string, key: `0x${string}`, rpcUrl: string): Promise<string>
}

/** One answer of the service, whatever its status. */
export interface Answer {
  status: number
  body: Blob
  header(name: string): string | null
}

/** The members of an RFC 9457 problem that the page reads. */
export interface Problem {
  status: number
  title: string
  detail: string
  code: string
  charged?: boolean
  retry_action?: 'pay' | 'resend_same' | 'wait_and_resend' | 'new_payment' | 'fix_request' | 'ask_operator'
  retry_after?: number
  request_id?: string
  reason?: string
}

/** One requirement of an x402 v2 quote. */
export interface Requirement {
  scheme: string
  network: string
  asset: string
  amount: string
  payTo: string
  maxTimeoutSeconds: number
  extra: { name: string; version: string }
}

/** What a 402 asks for. */
export interface Quote {
  /** `Date.now()` when it came. */
  at: number
  ways: Way[]
}

/** One way to pay a quote. */
export interface Way {
  id: string
  rail: Rail
  label: string
  /** What is paid, as it stands on the button: `$0.05 USDC`. */
  amount: string
  /** Asks the wallet for the header that pays; moves no money. */
  sign(): Promise<Signed>
}

/** The header field that pays, and the one that carries the receipt of it. */
export interface Signed {
  name: string
  value: string
  receiptHeader: string
}

/** A signed payment, and how the page describes it. */
export interface Payment extends Signed {
  rail: string
  amount: string
  place: string
}

export interface Result {
  picture: Blob
  receipt: Record<string, unknown>
}

/** One purchase as IndexedDB keeps it: until the answer is there, the payment and the picture are never forgotten. */
export interface Purchase {
  /** Also the Idempotency-Key: a second payment under it is not charged. */
  id: string
  createdAt: number
  name: string
  picture: Blob
  payment: Payment | null
  result: Result | null
}

/** What a purchase has come to. */
export type Outcome =
  | { kind: 'bought'; result: Result }
  /** A definite answer. The payment is over if `charged` is false. */
  | { kind: 'refused'; problem: Problem }
  /** No definite answer in time: the same payment must be sent again. */
  | { kind: 'open'; problem: Problem | null }
