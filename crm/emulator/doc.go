// Package emulator is a Salesforce to practise on: the REST API that offhook and other Salesforce clients speak
// (OAuth, query, search, sObjects, composite, describe, limits), in memory, with the rules that a real org enforces
// and faults that can be switched on. It starts with made-up people; it never talks to a real org, keeps nothing on
// disk, and knows nothing of telephones. Where Salesforce documents no exact behaviour, the README beside this file says
// what was chosen. Data from a file (LoadData) is a seed only: changes are not written back.
package emulator
