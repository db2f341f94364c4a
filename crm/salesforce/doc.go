// Package salesforce is the REST client: sign-in (PKCE, JWT bearer, refresh), query, search, records, composite,
// describe. Every request goes through one function that adds the token, renews it once, retries what may be
// retried, reads the API budget and turns every kind of error body into an *APIError.
//
// It never sends the token anywhere but to Salesforce (or to localhost when that was asked for), never builds a
// query from raw text, never repeats a write that has no key, and knows nothing of calls.
package salesforce
