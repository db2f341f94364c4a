// Package emulator is a Salesforce to practise on: the REST API that offhook and other Salesforce clients speak
// (OAuth, query, search, sObjects, composite, describe, limits), with the rules that a real org enforces and faults
// that can be switched on. It starts with made-up people and lives in memory, or in one SQLite file when it is given
// one. It never talks to a real org and knows nothing of telephones. Where Salesforce documents no exact behaviour,
// the README beside this file says what was chosen. A file of records that is loaded is only ever read.
package emulator
