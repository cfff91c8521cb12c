// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The ClearCanvas authors
pragma solidity ^0.8.24;

/// @title A contract wallet for the sandbox: a key signs for it, and it says so when asked (ERC-1271).
/// @notice Its signatures have 65 bytes, as those of the key itself. There is no constructor, so the code can be placed
/// at any address of a local chain; the first caller of `own` names the key.
contract Wallet {
    address public owner;

    function own(address key) external {
        require(owner == address(0), "Wallet: owned already");
        owner = key;
    }

    function isValidSignature(bytes32 hash, bytes calldata signature) external view returns (bytes4) {
        if (signature.length != 65) return 0xffffffff;
        address signer =
            ecrecover(hash, uint8(signature[64]), bytes32(signature[:32]), bytes32(signature[32:64]));
        return signer != address(0) && signer == owner ? bytes4(0x1626ba7e) : bytes4(0xffffffff);
    }
}
