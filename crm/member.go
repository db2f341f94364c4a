package crm

import (
	"context"

	"offhook/crm/layout"
	"offhook/crm/salesforce"
	"offhook/internal/text"
)

// Member is a user's place in the org: the profile that a layout may be given to, and the call centre.
type Member struct {
	ProfileID   string
	ProfileName text.Text
	CentreKnown bool // whether there is one could be read
	InCentre    bool // the user belongs to a call centre
	Centre      CentreRow
}

// CentreRow is the row of a call centre. It is zero where the user belongs to one that may not be read.
type CentreRow struct {
	ID           string
	Name         text.Text
	InternalName text.Text
	AdapterURL   text.Text
	Settings     text.Block // CustomSettings, JSON
	Version      text.Text
}

// Dialing returns the dialing options of the row's custom settings, where they stand there.
func (r CentreRow) Dialing() layout.DialingOptions {
	return layout.SettingsDialing(r.Settings.String())
}

// ReadMember reads a user's profile and call centre, in three queries at most. Only that the user cannot be read is an error.
func ReadMember(ctx context.Context, sf *salesforce.Client, userID string) (Member, error) {
	ask := func(fields ...salesforce.Ident) (salesforce.QueryResult, error) {
		return sf.Query(ctx, salesforce.Select(fields...).From("User").Where(salesforce.Eq("Id", salesforce.ID(userID))).Limit(1))
	}
	known := true
	page, err := ask("Id", "ProfileId", "Profile.Name", "CallCenterId")
	if salesforce.KindOf(err) == salesforce.KindField { // an org without call centres has no such field
		known = false
		page, err = ask("Id", "ProfileId", "Profile.Name")
	}
	if err != nil {
		return Member{}, lineError(err)
	}
	if len(page.Records) == 0 {
		return Member{}, &LineError{Line: "the signed-in user could not be read"}
	}
	u := page.Records[0]
	m := Member{CentreKnown: known, ProfileID: text.Clean(u.Str("ProfileId")).String(), ProfileName: text.Clean(u.Str("Profile.Name"))}
	centre := u.Str("CallCenterId")
	m.InCentre = centre != ""
	if !salesforce.ValidID(centre) {
		return m, nil
	}
	m.Centre.ID = centre
	page, err = sf.Query(ctx, salesforce.Select("Id", "Name", "InternalName", "AdapterUrl", "CustomSettings", "Version").From("CallCenter").
		Where(salesforce.Eq("Id", salesforce.ID(centre))).Limit(1))
	if err != nil || len(page.Records) == 0 {
		return m, nil // that there is one is what matters
	}
	c := page.Records[0]
	m.Centre = CentreRow{
		ID: centre, Name: text.Clean(c.Str("Name")), InternalName: text.Clean(c.Str("InternalName")), AdapterURL: text.Clean(c.Str("AdapterUrl")),
		Settings: text.CleanBlock(c.Str("CustomSettings"), 32<<10), Version: text.Clean(c.Str("Version")),
	}
	return m, nil
}

// Address is where a page or a flow of the layout is in the browser, with what it is to know; "" before the first sign-in, and for
// what is neither.
func (d *Directory) Address(p layout.Pop, record Ref, values []Var) string {
	args := map[string]string{}
	if record.ID != "" {
		args["id"] = record.ID
	}
	for _, v := range values {
		args[v.Name.String()] = v.Value.String()
	}
	switch p.Type {
	case layout.PopToVisualforce:
		return d.sf.PageURL("/apex/", p.Data, args)
	case layout.PopToFlow:
		return d.sf.PageURL("/flow/", p.Data, args)
	}
	return ""
}
