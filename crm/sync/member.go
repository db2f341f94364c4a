package sync

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync/atomic"

	"offhook/crm"
	"offhook/crm/ledger"
	"offhook/crm/salesforce"
	"offhook/internal/text"
)

// Members carries out the errands that give people their status in a campaign.
type Members struct {
	Client *salesforce.Client
	// NewStatuses lets a status that the campaign does not have be added to it, where Salesforce allows that.
	NewStatuses bool
	// Off is told once, in one line, that this org has no campaigns. nil for nobody.
	Off func(line text.Text)

	off atomic.Bool
}

// noCampaigns is what an errand comes to in an org without them.
const noCampaigns = "not done: this org has no campaigns"

// Run is the crm.ErrandFunc of MemberErrand. The status is validated against those of that very campaign before it is written: an
// unknown text would silently become the campaign's default.
func (m *Members) Run(ctx context.Context, e ledger.Errand) (string, error) {
	var ch MemberChange
	if err := json.Unmarshal(e.Payload, &ch); err != nil {
		return "", &crm.RefusedError{Class: "payload", Line: "the change of a campaign member cannot be read: " + err.Error()}
	}
	if ch.Status.Empty() {
		return "nothing to change any more", nil
	}
	if m.off.Load() {
		return noCampaigns, nil
	}
	out, err := m.change(ctx, ch)
	if k := salesforce.KindOf(err); k == salesforce.KindUnlicensed {
		if !m.off.Swap(true) && m.Off != nil {
			m.Off(text.Clean("This org has no campaigns (or you may not see them): results of calls change no campaign member."))
		}
		return noCampaigns, nil
	}
	return out, err
}

func (m *Members) change(ctx context.Context, ch MemberChange) (string, error) {
	campaign, err := Resolve(ctx, m.Client, ch.Campaign)
	if err != nil {
		return "", err
	}
	label, err := m.status(ctx, campaign, ch.Status.String())
	if err != nil {
		return "", err
	}
	who := ch.Who
	id, have, err := m.find(ctx, campaign, who)
	if err == nil && id == "" && who.Type == "Lead" {
		if contact, ok, err := m.converted(ctx, who); err != nil {
			return "", err
		} else if ok { // a lead that was converted goes on as its contact
			who = contact
			id, have, err = m.find(ctx, campaign, who)
			if err != nil {
				return "", err
			}
		}
	}
	switch {
	case err != nil:
		return "", err
	case id != "" && have == label:
		return fmt.Sprintf("%s is %q already", id, label), nil
	case id == "":
		if id, err = m.add(ctx, campaign, who, label); err != nil || id == "" {
			return "", err
		}
		return fmt.Sprintf("%s was added as %q", id, label), nil
	}
	if err := m.Client.Update(ctx, "CampaignMember", id, map[string]any{"Status": label}, noTime); err != nil {
		return "", err
	}
	return fmt.Sprintf("%s is %q now, was %q", id, label, text.Clean(have)), nil
}

// add makes somebody a member. That they became one meanwhile is no failure: then their status is changed.
func (m *Members) add(ctx context.Context, campaign crm.Ref, who crm.Ref, label string) (string, error) {
	id, err := m.Client.Create(ctx, "CampaignMember", map[string]any{"CampaignId": campaign.ID, who.Type + "Id": who.ID, "Status": label}, nil)
	if api := apiError(err); err != nil && api.Has("DUPLICATE_VALUE") && salesforce.ValidID(api.ExistingID()) {
		id = api.ExistingID()
		err = m.Client.Update(ctx, "CampaignMember", id, map[string]any{"Status": label}, noTime)
	}
	return id, err
}

// status is the text of the campaign's own status that is meant.
func (m *Members) status(ctx context.Context, campaign crm.Ref, want string) (string, error) {
	list, err := Statuses(ctx, m.Client, campaign.ID)
	if err != nil {
		return "", err
	}
	var names []string
	last := 0
	for _, s := range list {
		if strings.EqualFold(s.Label.String(), want) {
			return s.Label.String(), nil
		}
		names = append(names, s.Label.String())
		last = max(last, s.Order)
	}
	if m.NewStatuses {
		d, err := m.Client.Describe(ctx, "CampaignMemberStatus")
		if err != nil {
			return "", err
		}
		if d.Createable {
			_, err := m.Client.Create(ctx, "CampaignMemberStatus", map[string]any{"CampaignId": campaign.ID, "Label": want, "SortOrder": last + 1, "HasResponded": false}, nil)
			if err == nil || apiError(err).Has("DUPLICATE_VALUE") {
				return want, nil
			}
			if k := salesforce.KindOf(err); k != salesforce.KindForbidden && k != salesforce.KindUnknown && k != salesforce.KindField && k != salesforce.KindValidation {
				return "", err
			}
		}
	}
	return "", &crm.RefusedError{Class: "validation", Line: fmt.Sprintf("the campaign %s has no member status %q (it has %s), so the member was not changed: "+
		"add the status to the campaign, or correct it in dispositions.codes", campaign.Name.Or(text.Clean(campaign.ID)), text.Clean(want), strings.Join(names, ", "))}
}

func (m *Members) find(ctx context.Context, campaign, who crm.Ref) (id, status string, err error) {
	if who.Type != "Contact" && who.Type != "Lead" || !salesforce.ValidID(who.ID) {
		return "", "", &crm.RefusedError{Class: "link", Line: "only a contact or a lead can be a member of a campaign"}
	}
	page, err := m.Client.Query(ctx, salesforce.Select("Id", "Status").From("CampaignMember").Where(salesforce.And(
		salesforce.Eq("CampaignId", salesforce.ID(campaign.ID)), salesforce.Eq(salesforce.Ident(who.Type+"Id"), salesforce.ID(who.ID)))).Limit(1))
	if err != nil || len(page.Records) == 0 {
		return "", "", err
	}
	return page.Records[0].ID(), page.Records[0].Str("Status"), nil
}

func (m *Members) converted(ctx context.Context, lead crm.Ref) (crm.Ref, bool, error) {
	page, err := m.Client.Query(ctx, salesforce.Select("Id", "IsConverted", "ConvertedContactId").From("Lead").
		Where(salesforce.Eq("Id", salesforce.ID(lead.ID))).Limit(1))
	if err != nil || len(page.Records) == 0 {
		return crm.Ref{}, false, err
	}
	r := page.Records[0]
	id := r.Str("ConvertedContactId")
	return crm.Ref{Type: "Contact", ID: id, Name: lead.Name}, r.Bool("IsConverted") && salesforce.ValidID(id), nil
}
