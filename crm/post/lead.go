package post

import (
	"context"

	"offhook/crm"
	"offhook/crm/salesforce"
	"offhook/internal/text"
)

// followLead replaces a lead that was converted since by what became of it: its contact, and the opportunity that was made of it,
// else the account. False: it was not converted, or Salesforce does not say.
func (s *Sender) followLead(ctx context.Context, a *crm.Association) bool {
	lead := a.Who
	if lead.Type != "Lead" || !salesforce.ValidID(lead.ID) {
		return false
	}
	page, err := s.o.Client.Query(ctx, salesforce.Select("Id", "IsConverted", "ConvertedContactId", "ConvertedAccountId", "ConvertedOpportunityId").
		From("Lead").Where(salesforce.Eq("Id", salesforce.ID(lead.ID))).Limit(1))
	if err != nil || len(page.Records) == 0 {
		return false
	}
	r := page.Records[0]
	contact := r.Str("ConvertedContactId")
	if !r.Bool("IsConverted") || !salesforce.ValidID(contact) {
		return false
	}
	a.Who = crm.Ref{Type: "Contact", ID: contact, Name: lead.Name}
	a.What = crm.Ref{}
	if id := r.Str("ConvertedOpportunityId"); salesforce.ValidID(id) {
		a.What = crm.Ref{Type: "Opportunity", ID: id}
	} else if id := r.Str("ConvertedAccountId"); salesforce.ValidID(id) {
		a.What = crm.Ref{Type: "Account", ID: id}
	}
	a.Why = text.Clean(a.Why + "; the lead was converted to this contact").String()
	return true
}
