package exchange

import "offhook/sip/exchange/prompts"

// Customer is one chapter of the demo's story: a call, and what a newcomer should know about it.
type Customer struct {
	Call
	Who string // "Fred Bloggs, a known customer"
	Why string // what this call shows
}

// Story is the demo's five customers in their order: one that Salesforce knows, one number that stands on several records, one that
// nobody knows, a colleague, and one who gives no number.
func Story(ext string) []Customer {
	return []Customer{
		{Call{From: "07814256404", To: ext, Caller: prompts.Fred}, "A known customer", "one record has this number"},
		{Call{From: "01202528732", To: ext, Caller: prompts.Jane}, "A company's switchboard", "several records share this number"},
		{Call{From: "07700900461", To: ext, Caller: prompts.Harriet}, "Somebody new", "no record has this number"},
		{Call{From: Colleague, Name: "Priya Raman", To: ext, Caller: prompts.Priya}, "A colleague", "internal calls are never looked up"},
		{Call{To: ext, Caller: prompts.Withheld}, "A withheld number", "nothing to look up, nothing to store"},
	}
}
