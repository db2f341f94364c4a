package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"offhook/config"
	"offhook/crm"
	"offhook/crm/salesforce"
	"offhook/internal/text"
)

func newFieldsCmd(e *env) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "fields",
		Short: "Say what of a call goes into which Task field, and change it",
		Long: "A call has values, as Agent ID or Transfer Type, and a Task has fields. These commands show which goes where, and change\n" +
			"record.map in your file of settings; comments and everything else in it stay as they are.",
		Example: "  offhook fields list\n  offhook fields targets queue\n  offhook fields set \"Agent ID\" CTI_Agent__c\n  offhook fields set var:Queue Queue__c\n  offhook fields remove \"Agent ID\"",
	}
	cmd.AddCommand(newFieldsListCmd(e), newFieldsTargetsCmd(e), newFieldsSetCmd(e), newFieldsRemoveCmd(e))
	return cmd
}

const jsonUsage = "print JSON (docs/json.md)"

// fieldSettings are the settings in force, or the defaults where there are none.
func (e *env) fieldSettings() (*config.Loaded, error) {
	l, err := e.load()
	if errors.Is(err, config.ErrNoFile) {
		return config.Defaults(), nil
	}
	return l, err
}

// describeTask asks the org what its Tasks are like. Without an org, a sign-in or a network it says why not.
func (e *env) describeTask(ctx context.Context, l *config.Loaded) (*salesforce.Describe, error) {
	if l.Salesforce.ClientID == "" {
		return nil, errors.New("Salesforce is not set up")
	}
	client, _, err := openAnew(l)
	if err != nil {
		return nil, err
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	task, err := client.Describe(ctx, "Task")
	if err != nil {
		line, _, _ := strings.Cut(salesforce.Line(err), "; call records")
		return nil, errors.New(line)
	}
	return task, nil
}

// fieldLine is one value of calls on its way into a Task field.
type fieldLine struct {
	Value string    `json:"value"`
	Field string    `json:"field"`          // "": none
	Own   bool      `json:"own"`            // a line of record.map
	From  string    `json:"from,omitempty"` // sip.data, where that names the field
	Label text.Text `json:"label,omitzero"`
	Type  string    `json:"type,omitempty"`
	State string    `json:"state"` // none, ok, missing, no, unknown
	Notes []string  `json:"notes,omitempty"`
}

// fieldLines are all values of calls, each with every field that it goes into; task is nil when nobody could be asked.
func fieldLines(c config.Config, task *salesforce.Describe) (out []fieldLine) {
	lines := fieldMap(c.Record)
	values := crm.FieldValues()
	vars := map[string]string{}
	for _, d := range c.SIP.Data {
		name := d.Name
		if name == "" {
			name = d.Header
		}
		if d.Secret || strings.ContainsAny(name, "*") {
			continue
		}
		values = append(values, "var:"+name)
		vars["var:"+name] = d.Task
	}
	for _, m := range lines {
		label, ok := crm.FieldLabel(m.Value)
		if !ok {
			label = m.Value // told below
		}
		if !slices.ContainsFunc(values, func(v string) bool { return crm.SameValue(v, label) }) {
			values = append(values, label)
		}
	}
	for _, v := range values {
		own := false
		for _, m := range lines {
			if crm.SameValue(m.Value, v) {
				own = true
				out = append(out, fieldLine{Value: v, Field: m.Field, Own: true})
			}
		}
		if f := vars[v]; f != "" {
			out = append(out, fieldLine{Value: v, Field: f, From: "sip.data"})
		} else if !own {
			out = append(out, fieldLine{Value: v, Field: crm.DefaultField(v)})
		}
	}
	for i := range out {
		out[i].judge(task)
	}
	return out
}

// judge says what the org makes of a line.
func (f *fieldLine) judge(task *salesforce.Describe) {
	err := crm.CheckFieldMap([]crm.FieldMap{{Value: f.Value, Field: f.Field}})
	switch {
	case f.Own && err != nil:
		f.State, f.Notes = "no", []string{"record.map: " + strings.TrimPrefix(err.Error(), "line 1: ")}
		return
	case f.Field == "":
		f.State = "none"
		return
	case task == nil:
		f.State = "unknown"
		return
	}
	got, notes, err := crm.CheckField(f.Value, f.Field, task)
	f.State, f.Notes = "ok", notes
	if got.Name != "" {
		f.Label, f.Type = text.Clean(got.Label), crm.FieldType(got)
	}
	switch {
	case got.Name == "":
		f.State = "missing"
	case err != nil:
		f.State, f.Notes = "no", []string{err.Error()}
	}
}

func newFieldsListCmd(e *env) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "list", Short: "List what a call can put into a Task, and where each goes", Args: cobra.NoArgs,
		Long: "Lists each value of a call and the Task field that it goes into: your lines of record.map (marked *), those of sip.data, and\n" +
			"offhook's own fields, which are filled where they are installed. Signed in, it shows the field's type, and whether your org\n" +
			"has it and lets you fill it.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			l, err := e.fieldSettings()
			if err != nil {
				return err
			}
			task, offline := e.describeTask(cmd.Context(), l)
			lines := fieldLines(l.Config, task)
			if asJSON {
				return writeJSON(cmd.OutOrStdout(), struct {
					Version int         `json:"version"`
					Checked bool        `json:"checked"`
					Values  []fieldLine `json:"values"`
				}{1, task != nil, lines})
			}
			return fieldsPage(cmd.OutOrStdout(), lines, offline)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, jsonUsage)
	return cmd
}

// fieldsPage prints the lines in 80 columns.
func fieldsPage(w io.Writer, lines []fieldLine, offline error) error {
	var b strings.Builder
	own, notes := false, []string{}
	for _, f := range lines {
		mark, field, org := " ", f.Field, f.Type
		if f.Own {
			mark, own = "*", true
		}
		switch f.State {
		case "none":
			field = "–"
		case "missing":
			org = "not in your org"
		case "no":
			org = "cannot be filled"
		}
		notes = append(notes, f.Notes...)
		b.WriteString(strings.TrimRight(mark+" "+columns([]int{22, 33}, f.Value, field, org), " ") + "\n")
	}
	b.WriteByte('\n')
	if own {
		b.WriteString("* your line in record.map; ")
	}
	b.WriteString("fields without * are filled where they are installed.\n")
	for _, n := range notes {
		b.WriteString("note: " + text.Clean(n).String() + "\n")
	}
	if offline != nil {
		b.WriteString("note: your org was not asked: " + text.Clean(offline.Error()).String() + "\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// columns sets cells under each other; one that is too wide pushes the others, for a name that is cut is no name.
func columns(widths []int, cells ...string) string {
	var b strings.Builder
	at, want := 0, 0
	for i, c := range cells {
		t := text.Clean(c)
		b.WriteString(t.String())
		at += t.Width()
		if i < len(widths) {
			want += widths[i]
			n := max(1, want-at)
			b.WriteString(strings.Repeat(" ", n))
			at += n
		}
	}
	return b.String()
}

func newFieldsTargetsCmd(e *env) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "targets [TEXT]", Short: "List the Task fields of your org that calls may fill", Args: cobra.MaximumNArgs(1),
		Long: "Asks your org for the Task fields that you may fill, beside those that offhook fills itself. With TEXT, those whose name or\n" +
			"label contains it.",
		RunE: func(cmd *cobra.Command, args []string) error {
			l, err := e.fieldSettings()
			if err != nil {
				return err
			}
			task, err := e.describeTask(cmd.Context(), l)
			if err != nil {
				return err
			}
			type target struct {
				Name  text.Text `json:"name"`
				Label text.Text `json:"label"`
				Type  string    `json:"type"`
			}
			fields := []target{}
			for _, f := range crm.FieldTargets(task) {
				if len(args) == 0 || strings.Contains(strings.ToLower(f.Name+"\n"+f.Label), strings.ToLower(args[0])) {
					fields = append(fields, target{text.Clean(f.Name), text.Clean(f.Label), crm.FieldType(f)})
				}
			}
			w := cmd.OutOrStdout()
			if asJSON {
				return writeJSON(w, struct {
					Version int      `json:"version"`
					Fields  []target `json:"fields"`
				}{1, fields})
			}
			for _, f := range fields {
				fmt.Fprintln(w, columns([]int{33, 22}, f.Name.String(), f.Type, f.Label.String()))
			}
			if len(fields) == 0 {
				fmt.Fprintln(w, "Your org has no such Task field that you may fill.")
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, jsonUsage)
	return cmd
}
