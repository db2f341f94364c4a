// Package config is offhook's one file of settings: its layers (defaults, system, user, profile, environment, flags), its
// validation, the explanation of every key, the JSON schema, and where secrets come from. It knows what settings are allowed
// and says in one line what is wrong with the others; it opens no socket and starts nothing.
package config

//go:generate go test . -run TestTheReferenceAndTheSchemaAreFresh -update
