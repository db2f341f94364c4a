package sync

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"offhook/crm"
	"offhook/crm/salesforce"
	"offhook/internal/text"
)

// noTime makes an update unconditional.
var noTime time.Time

// apiError is the refusal of Salesforce in an error; an empty one when it is none.
func apiError(err error) *salesforce.APIError {
	var api *salesforce.APIError
	if errors.As(err, &api) {
		return api
	}
	return &salesforce.APIError{}
}

// Status is one status that a campaign's members may have.
type Status struct {
	Label     text.Text
	Responded bool
	Default   bool
	Order     int
}

// Statuses reads the statuses of one campaign, in their order.
func Statuses(ctx context.Context, client *salesforce.Client, campaign string) (out []Status, err error) {
	q := salesforce.Select("Label", "HasResponded", "IsDefault", "SortOrder").From("CampaignMemberStatus").
		Where(salesforce.Eq("CampaignId", salesforce.ID(campaign))).OrderBy("SortOrder", false).Limit(200)
	for r, err := range client.All(ctx, q) {
		if err != nil {
			return nil, err
		}
		order, _ := strconv.Atoi(r.Str("SortOrder")) // nothing depends on one that is no number
		out = append(out, Status{text.Clean(r.Str("Label")), r.Bool("HasResponded"), r.Bool("IsDefault"), order})
	}
	return out, nil
}

// Resolve finds the campaign that a reference means: by its id, else by its name, which only one may have.
func Resolve(ctx context.Context, client *salesforce.Client, ref crm.Ref) (crm.Ref, error) {
	by := salesforce.Eq("Name", salesforce.String(ref.Name.String()))
	switch {
	case salesforce.ValidID(ref.ID) && ref.ID[:3] == "701":
		if !ref.Name.Empty() && ref.Name.String() != ref.ID {
			return ref, nil
		}
		by = salesforce.Eq("Id", salesforce.ID(ref.ID))
	case ref.Name.Empty():
		return ref, &crm.RefusedError{Class: "validation", Line: "no campaign is named"}
	}
	page, err := client.Query(ctx, salesforce.Select("Id", "Name").From("Campaign").Where(by).Limit(2))
	if err != nil {
		return ref, err
	}
	switch len(page.Records) {
	case 0:
		return ref, &crm.RefusedError{Class: "validation", Line: fmt.Sprintf("there is no campaign %q, or you may not see it", ref.Name.Or(text.Clean(ref.ID)))}
	case 1:
		return crm.Ref{Type: "Campaign", ID: page.Records[0].ID(), Name: text.Clean(page.Records[0].Str("Name"))}, nil
	}
	return ref, &crm.RefusedError{Class: "validation", Line: fmt.Sprintf("several campaigns are called %q: write the id (701…)", ref.Name)}
}

// Person is one member of a campaign, as the work list shows them.
type Person struct {
	ID        string      `json:"id"` // of the CampaignMember
	Who       crm.Ref     `json:"who"`
	Company   text.Text   `json:"company,omitzero"`
	Status    text.Text   `json:"status,omitzero"`   // in the campaign
	Numbers   []text.Text `json:"numbers,omitempty"` // best first
	DoNotCall bool        `json:"doNotCall,omitempty"`
	Responded bool        `json:"responded,omitempty"`
	Worked    Worked      `json:"worked,omitzero"`
}

// Worked is what a desk did with a member; it outlives the program (MemberKind).
type Worked struct {
	At      time.Time `json:"at,omitzero"` // of the last call
	Call    string    `json:"call,omitempty"`
	Calls   int       `json:"calls,omitempty"`
	Result  text.Text `json:"result,omitzero"` // disposition, else how the call ended
	Done    bool      `json:"done,omitempty"`  // has a disposition, or was answered: not offered again
	Skipped bool      `json:"skipped,omitempty"`
}

// Open reports whether the person is still to be called.
func (p *Person) Open() bool { return !p.Worked.Done && !p.Worked.Skipped && len(p.Numbers) > 0 }

// WorkKey is the key of MemberKind under which a member's Worked stands.
func WorkKey(campaign, member string) string {
	return campaign[:min(len(campaign), 15)] + "/" + member[:min(len(member), 15)]
}

// LastWork is the key of MemberKind under which the campaign stands whose work list was open last.
const LastWork = "open"

// Pull chooses members of a campaign.
type Pull struct {
	Campaign crm.Ref
	Statuses []string // only members with one of these; empty: all
	Numbers  []string // fields of numbers, best first: Phone, MobilePhone (the default)
	After    string   // id of the last member that is known
	Limit    int      // 0 for 200
}

// PullMembers reads a page of a campaign's members in the order of their ids; more tells that there are others after them. Somebody whose
// record cannot be read (deleted, not shared) is left out.
func PullMembers(ctx context.Context, client *salesforce.Client, p Pull) (out []Person, more bool, err error) {
	if p.Limit <= 0 {
		p.Limit = 200
	}
	if len(p.Numbers) == 0 {
		p.Numbers = []string{"Phone", "MobilePhone"}
	}
	fields := []salesforce.Ident{"Id", "Status", "HasResponded", "ContactId", "LeadId"}
	for _, object := range []string{"Contact", "Lead"} {
		d, err := client.Describe(ctx, salesforce.Ident(object))
		if err != nil {
			return nil, false, err
		}
		for _, f := range append([]string{"Name", "DoNotCall", "Company"}, p.Numbers...) {
			if d.Has(f) {
				fields = append(fields, salesforce.Ident(object+"."+f))
			}
		}
	}
	where := []salesforce.Cond{salesforce.Eq("CampaignId", salesforce.ID(p.Campaign.ID))}
	if salesforce.ValidID(p.After) {
		where = append(where, salesforce.Gt("Id", salesforce.ID(p.After)))
	}
	if len(p.Statuses) > 0 {
		where = append(where, salesforce.In("Status", salesforce.Strings(p.Statuses...)...))
	}
	page, err := client.Query(ctx, salesforce.Select(fields...).From("CampaignMember").Where(salesforce.And(where...)).OrderBy("Id", false).Limit(p.Limit+1))
	if err != nil {
		return nil, false, err
	}
	rows := page.Records
	if more = len(rows) > p.Limit; more {
		rows = rows[:p.Limit]
	}
	for _, r := range rows {
		if who, ok := person(r, p.Numbers); ok {
			out = append(out, who)
		}
	}
	return out, more, nil
}

func person(r salesforce.Record, numbers []string) (Person, bool) {
	object, id := "Contact", r.Str("ContactId")
	if id == "" {
		object, id = "Lead", r.Str("LeadId")
	}
	if !salesforce.ValidID(id) || !salesforce.ValidID(r.ID()) || r.Value(object) == nil {
		return Person{}, false
	}
	p := Person{ID: r.ID(), Who: crm.Ref{Type: object, ID: id, Name: text.Clean(r.Str(object + ".Name"))}, Company: text.Clean(r.Str(object + ".Company")),
		Status: text.Clean(r.Str("Status")), DoNotCall: r.Bool(object + ".DoNotCall"), Responded: r.Bool("HasResponded")}
	for _, f := range numbers {
		if n := text.Clean(r.Str(object + "." + f)); !n.Empty() && !slices.Contains(p.Numbers, n) {
			p.Numbers = append(p.Numbers, n)
		}
	}
	return p, true
}
