package ledger

// holderSuffix: locks are mandatory on Windows and cover the file's first byte, so the holder stands beside it.
const holderSuffix = ".json"
