package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"offhook/config"
	"offhook/crm"
	"offhook/internal/text"
)

// fieldChange is what a change of record.map did; docs/json.md has its shape.
type fieldChange struct {
	Version int         `json:"version"`
	File    string      `json:"file"`
	Checked bool        `json:"checked"` // the org was asked
	Changed bool        `json:"changed"`
	Values  []fieldLine `json:"values"` // where the value goes now
	Notes   []string    `json:"notes,omitempty"`
}

func newFieldsSetCmd(e *env) *cobra.Command {
	var asJSON, also bool
	cmd := &cobra.Command{
		Use: "set VALUE FIELD", Short: "Put a value of calls into a Task field", Args: cobra.ExactArgs(2),
		Long: "Writes a line of record.map into your file of settings: the value goes into this field from now on, instead of where it went.\n" +
			"The org is asked first whether it has the field, whether you may fill it and whether its type can hold the value. When it cannot\n" +
			"be asked the line is kept, and checked at the next sign-in. FIELD \"\" puts the value nowhere.",
		Example: "  offhook fields set \"Agent ID\" CTI_Agent__c\n  offhook fields set Reason Why__c --also\n  offhook fields set Reason \"\"",
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := e.setField(cmd.Context(), args[0], strings.TrimSpace(args[1]), also)
			if err != nil {
				return err
			}
			return c.print(cmd.OutOrStdout(), asJSON)
		},
	}
	cmd.Flags().BoolVar(&also, "also", false, "leave it where it goes now, too")
	cmd.Flags().BoolVar(&asJSON, "json", false, jsonUsage)
	return cmd
}

func newFieldsRemoveCmd(e *env) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "remove VALUE", Short: "Take the lines of a value out of record.map", Args: cobra.ExactArgs(1),
		Long: "Takes every line of the value out of record.map in your file of settings, with the comment behind it. A value with a field of\n" +
			"offhook's own goes there again, where that is installed.",
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := e.removeField(args[0])
			if err != nil {
				return err
			}
			return c.print(cmd.OutOrStdout(), asJSON)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, jsonUsage)
	return cmd
}

const mapKey = "record.map"

func mapRow(value, field string) config.Row { return config.Row{{"value", value}, {"field", field}} }

// setField puts a value into a field, or, with "", nowhere.
func (e *env) setField(ctx context.Context, value, field string, also bool) (fieldChange, error) {
	l, err := e.load()
	if err != nil {
		return fieldChange{}, err
	}
	if err := l.Editable(mapKey); err != nil {
		return fieldChange{}, err
	}
	if err := crm.CheckFieldMap([]crm.FieldMap{{Value: value, Field: field}}); err != nil {
		return fieldChange{}, fmt.Errorf("%s", strings.TrimPrefix(err.Error(), "line 1: "))
	}
	value, _ = crm.FieldLabel(value)
	if also && field == "" {
		return fieldChange{}, fmt.Errorf("--also and no field at all do not go together: leave --also out to put %s nowhere", value)
	}
	out := fieldChange{Version: 1}
	if field != "" {
		task, offline := e.describeTask(ctx, l)
		if offline != nil {
			out.Notes = append(out.Notes, "your org was not asked ("+offline.Error()+"): the line is kept, and checked at the next sign-in")
		} else {
			f, notes, err := crm.CheckField(value, field, task)
			if err != nil {
				return out, err
			}
			field, out.Checked, out.Notes = f.Name, true, notes
		}
	}
	change, err := setLines(l.Record, value, field, also, &out)
	if err != nil {
		return out, err
	}
	out, err = e.change(l, value, change, out)
	for i, f := range out.Values {
		if out.Checked && f.Field == field {
			out.Values[i].State = "ok"
		}
	}
	return out, err
}

// setLines is the change of record.map that puts a value into a field. A line that stays keeps its place and its comment.
func setLines(r config.Record, value, field string, also bool, out *fieldChange) (config.Change, error) {
	c := config.Change{Replace: map[int]config.Row{}}
	placed, had := false, false
	for i, m := range r.Map {
		mine := crm.SameValue(m.Value, value)
		same := strings.EqualFold(m.Field, field)
		switch {
		case !mine && same && field != "":
			return c, fmt.Errorf("%s takes %s already: offhook fields remove %q first", m.Field, text.Clean(m.Value), text.Clean(m.Value).String())
		case !mine:
		case same && !placed:
			placed = true
			if m.Field != field {
				c.Replace[i] = mapRow(value, field)
			}
		case also && m.Field != "" && !same:
			had = true
		case !placed && !also && !hasLine(r.Map[i+1:], value, field):
			placed = true
			c.Replace[i] = mapRow(value, field)
		default:
			c.Drop = append(c.Drop, i)
		}
	}
	def := crm.DefaultField(value)
	if also && !had && def != "" && !strings.EqualFold(def, field) {
		c.Add = append(c.Add, mapRow(value, def)) // a line of one's own takes the place of the default
	}
	if !placed {
		c.Add = append(c.Add, mapRow(value, field))
	}
	for _, other := range crm.DefaultFieldMap() {
		own := slices.ContainsFunc(r.Map, func(m config.MapTo) bool { return crm.SameValue(m.Value, other.Value) })
		if field != "" && strings.EqualFold(other.Field, field) && !crm.SameValue(other.Value, value) && !own {
			out.Notes = append(out.Notes, field+" took "+other.Value+" until now: it is filled with that only when "+value+" is empty")
		}
	}
	return c, nil
}

func hasLine(lines []config.MapTo, value, field string) bool {
	for _, m := range lines {
		if crm.SameValue(m.Value, value) && strings.EqualFold(m.Field, field) {
			return true
		}
	}
	return false
}

func (e *env) removeField(value string) (fieldChange, error) {
	l, err := e.load()
	if err != nil {
		return fieldChange{}, err
	}
	if err := l.Editable(mapKey); err != nil {
		return fieldChange{}, err
	}
	label, known := crm.FieldLabel(value)
	var c config.Change
	for i, m := range l.Record.Map {
		if crm.SameValue(m.Value, value) {
			c.Drop = append(c.Drop, i)
		}
	}
	if c.Drop == nil {
		switch def := crm.DefaultField(value); {
		case !known:
			err := crm.CheckFieldMap([]crm.FieldMap{{Value: value}})
			return fieldChange{}, fmt.Errorf("%s", strings.TrimPrefix(err.Error(), "line 1: "))
		case def != "":
			return fieldChange{}, fmt.Errorf("record.map has no line for %s; it goes into %s by itself, and offhook fields set %q \"\" puts it nowhere", label, def, label)
		default:
			return fieldChange{}, fmt.Errorf("record.map has no line for %s, which goes nowhere", label)
		}
	}
	if !known {
		label = value
	}
	return e.change(l, label, c, fieldChange{Version: 1})
}

// change writes a change and reads the settings again: what is told is what they say now.
func (e *env) change(l *config.Loaded, value string, c config.Change, out fieldChange) (fieldChange, error) {
	out.File = l.Path
	out.Changed = len(c.Add)+len(c.Drop)+len(c.Replace) > 0
	if out.Changed {
		if origin := l.Origin(mapKey); origin != "default" && origin != l.Path {
			out.Notes = append(out.Notes, "your file has the lines of "+origin+" now, too: its list goes over that one")
		}
		if err := l.Edit(mapKey, c); err != nil {
			return out, err
		}
		var err error
		if l, err = e.load(); err != nil {
			return out, err
		}
	}
	for _, f := range fieldLines(l.Config, nil) {
		if crm.SameValue(f.Value, value) {
			out.Values = append(out.Values, f)
		}
	}
	if out.Values == nil { // a variable, or a slip of the pen, of which no line is left
		out.Values = []fieldLine{{Value: value, State: "none"}}
	}
	return out, nil
}

func (c fieldChange) print(w io.Writer, asJSON bool) error {
	if asJSON {
		return writeJSON(w, c)
	}
	var b strings.Builder
	for _, f := range c.Values {
		switch {
		case f.Field == "":
			fmt.Fprintf(&b, "%s goes nowhere.\n", text.Clean(f.Value))
		case f.Own || f.From != "":
			fmt.Fprintf(&b, "%s goes into %s.\n", text.Clean(f.Value), text.Clean(f.Field))
		default:
			fmt.Fprintf(&b, "%s goes into %s, where that is installed.\n", text.Clean(f.Value), text.Clean(f.Field))
		}
	}
	for _, n := range c.Notes {
		fmt.Fprintf(&b, "note: %s\n", text.Clean(n))
	}
	if c.Changed {
		fmt.Fprintf(&b, "Written: %s. A desk that runs takes it at its next start.\n", text.Clean(c.File))
	} else {
		fmt.Fprintf(&b, "%s says so already, and was left as it is.\n", text.Clean(c.File))
	}
	_, err := io.WriteString(w, b.String())
	return err
}
