package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"offhook/config"
	"offhook/crm/salesforce"
	"offhook/internal/text"
)

func newWhoamiCmd(e *env) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "whoami", Short: "Tell who is signed in to Salesforce, where and how", Args: cobra.NoArgs,
		Long: "Asks Salesforce who is signed in, and tells the org, the API version and its use, the scopes, and where the sign-in is kept.\n" +
			"No secret is shown. The exit status is 1 when nobody is signed in.",
		RunE: func(cmd *cobra.Command, _ []string) error { return e.whoami(cmd.Context(), asJSON) },
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "as one JSON object")
	return cmd
}

// identity is what whoami tells; docs/json.md has its shape.
type identity struct {
	Version    int       `json:"version"`
	User       string    `json:"user"`
	Username   string    `json:"username"`
	UserID     string    `json:"user_id"`
	Agent      string    `json:"agent,omitempty"` // whom records belong to, when that is somebody else
	Org        string    `json:"org,omitempty"`
	OrgID      string    `json:"org_id"`
	Edition    string    `json:"edition,omitempty"`
	Sandbox    bool      `json:"sandbox"`
	Instance   string    `json:"instance"`
	LoginURL   string    `json:"login_url"`
	APIVersion string    `json:"api_version"`
	APIUsed    int       `json:"api_used"`
	APIMax     int       `json:"api_max"`
	Scopes     []string  `json:"scopes"`
	Flow       string    `json:"flow"`
	Issued     time.Time `json:"issued,omitzero"`
	Kept       string    `json:"kept"`
}

func (e *env) whoami(ctx context.Context, asJSON bool) error {
	l, err := e.loadSalesforce()
	if err != nil {
		return err
	}
	client, store, err := openClient(l, nil, nil)
	if err != nil {
		return err
	}
	defer client.Close()
	id, err := askIdentity(ctx, client, store, l.Salesforce)
	if err != nil {
		var loose *config.LooseError
		if errors.As(err, &loose) {
			return err
		}
		line, _, _ := strings.Cut(salesforce.Line(err), "; call records")
		return errors.New(line)
	}
	if asJSON {
		enc := json.NewEncoder(e.out)
		enc.SetIndent("", "  ")
		return enc.Encode(id)
	}
	return id.print(e.out)
}

func askIdentity(ctx context.Context, client *salesforce.Client, store tokenStore, c config.Salesforce) (identity, error) {
	clean := func(s string) string { return text.Clean(s).Runes(200).String() }
	user, err := client.User(ctx)
	if err != nil {
		return identity{}, err
	}
	agent, err := client.Agent(ctx)
	if err != nil {
		return identity{}, err
	}
	version, err := client.Version(ctx)
	if err != nil {
		return identity{}, err
	}
	id := identity{Version: 1, User: clean(user.Name), Username: clean(user.Username), UserID: clean(user.UserID), OrgID: clean(user.OrgID),
		Instance: client.InstanceURL(), LoginURL: c.LoginURL, APIVersion: version, Flow: c.Flow, Kept: store.Where()}
	if agent.UserID != user.UserID {
		id.Agent = clean(agent.Username)
	}
	if org, err := client.Org(ctx); err == nil { // a user who may not read it still is signed in
		id.Org, id.Edition, id.Sandbox = clean(org.Name), clean(org.Edition), org.Sandbox
	}
	token, err := client.SignIn(ctx)
	if err != nil {
		return identity{}, err
	}
	id.Scopes, id.Issued = strings.Fields(clean(token.Scope)), token.IssuedAt
	b := client.Budget()
	id.APIUsed, id.APIMax = b.Used, b.Max
	return id, nil
}

func (id identity) print(out io.Writer) error {
	org := id.OrgID
	if id.Org != "" {
		org = id.Org + " (" + id.OrgID + ")"
	}
	if id.Edition != "" {
		org += ", " + id.Edition
	}
	if id.Sandbox {
		org += ", sandbox"
	}
	api := "v" + id.APIVersion
	if id.APIMax > 0 {
		api += fmt.Sprintf("; the org has used %d of its %d calls in 24 hours (%d %%)", id.APIUsed, id.APIMax, id.APIUsed*100/id.APIMax)
	}
	signed := map[string]string{"pkce": "by browser", "jwt": "by key", "client": "as the app itself", "device": "by device code"}[id.Flow]
	if !id.Issued.IsZero() {
		signed += ", token of " + id.Issued.Local().Format("2006-01-02 15:04")
	}
	signed += "; Salesforce does not say when it ends, it is renewed by itself"
	scopes := strings.Join(id.Scopes, " ")
	if scopes == "" {
		scopes = "not told"
	}
	rows := [][2]string{
		{"User", fmt.Sprintf("%s, %s (%s)", id.User, id.Username, id.UserID)}, {"Org", org}, {"Instance", id.Instance}, {"API", api},
		{"Scopes", scopes}, {"Signed in", signed}, {"Kept in", id.Kept},
	}
	if id.Agent != "" {
		rows = append(rows[:1], append([][2]string{{"Records of", id.Agent}}, rows[1:]...)...)
	}
	for _, r := range rows {
		if _, err := fmt.Fprintf(out, "%-10s  %s\n", r[0], r[1]); err != nil {
			return err
		}
	}
	return nil
}
