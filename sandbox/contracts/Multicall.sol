// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The ClearCanvas authors
pragma solidity ^0.8.24;

/// @title The one function of Multicall3 that x402 facilitators call.
/// @notice Every public chain carries Multicall3 at 0xcA11bde05977b3631167028862bE2a173976CA11; a bare local chain does
/// not, and facilitators then cannot tell an empty wallet from any other refusal.
contract Multicall {
    struct Call {
        address target;
        bytes callData;
    }

    struct Result {
        bool success;
        bytes returnData;
    }

    function tryAggregate(bool requireSuccess, Call[] calldata calls) external payable returns (Result[] memory results) {
        results = new Result[](calls.length);
        for (uint256 i = 0; i < calls.length; i++) {
            (results[i].success, results[i].returnData) = calls[i].target.call(calls[i].callData);
            require(results[i].success || !requireSuccess, "Multicall: call failed");
        }
    }
}
