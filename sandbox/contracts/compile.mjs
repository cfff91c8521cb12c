// Copyright 2026 The ClearCanvas authors. SPDX-License-Identifier: Apache-2.0
// Compiles the sandbox's contracts into the committed artefacts: node sandbox/contracts/compile.mjs [output folder]
import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import solc from 'solc'

const here = dirname(fileURLToPath(import.meta.url))
const output = process.argv[2] ?? here

// No metadata is appended: the bytes depend on source, compiler and settings alone.
const settings = {
  optimizer: { enabled: true, runs: 10_000 },
  evmVersion: 'cancun',
  metadata: { appendCBOR: false, bytecodeHash: 'none' },
  outputSelection: { '*': { '*': ['abi', 'evm.deployedBytecode.object'] } },
}

function compile(contract) {
  const file = `${contract}.sol`
  const source = readFileSync(join(here, file), 'utf8')
  const input = { language: 'Solidity', sources: { [file]: { content: source } }, settings }
  const { contracts, errors = [] } = JSON.parse(solc.compile(JSON.stringify(input)))
  if (errors.length) throw new Error(errors.map((error) => error.formattedMessage).join('\n'))
  const { abi, evm } = contracts[file][contract]
  return {
    contract,
    compiler: solc.version(),
    settings,
    source_sha256: createHash('sha256').update(source).digest('hex'),
    runtime_bytecode: `0x${evm.deployedBytecode.object}`,
    abi,
  }
}

for (const contract of ['TestToken', 'Multicall', 'Wallet']) {
  writeFileSync(join(output, `${contract}.json`), `${JSON.stringify(compile(contract), null, 2)}\n`)
}
