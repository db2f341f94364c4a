// Package selftest looks at a Salesforce org in two ways. Examine reads what a user may see and do there and says what is missing, with
// an administrator's steps; it changes nothing. Run proves the whole way of a call: it signs in, makes records with a marker, looks
// them up, shows them, logs a call, and deletes everything it made, and so settles what Salesforce's documentation leaves open. The
// package never touches a record that it did not make, never writes without being told to, and asks the person nothing by itself.
package selftest
