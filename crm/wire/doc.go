// Package wire compares what offhook sends to Salesforce with what jsforce sends: the same operations against the practice
// Salesforce, request by request, with every intended difference named and explained. It holds tests only.
package wire
