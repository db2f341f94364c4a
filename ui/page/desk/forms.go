package deskpage

import (
	"offhook/crm"
	"offhook/desk"
	"offhook/ui/widget/overlay"
)

// doForm carries out the actions of an open form.
func (p *Page) doForm(name string) Result {
	if p.form == nil {
		return Result{}
	}
	switch name {
	case "form.next":
		p.form.Move(1)
	case "form.previous":
		p.form.Move(-1)
	case "form.save":
		if values, ok := p.form.Values(); ok {
			return p.formed(send(desk.Command{Verb: desk.Create, Call: p.form.For, Values: values}))
		}
	case "form.cancel":
		if p.form.Typed() {
			return Result{Handled: true, Open: overlay.Discard(p.form.Title())}
		}
		return send(desk.Command{Verb: desk.Close})
	}
	return p.formed(Result{Handled: true})
}

// formed adds what the form asks the desk for after a key: what was typed is kept at each keystroke.
func (p *Page) formed(r Result) Result {
	ask := p.form.Take()
	add := func(c desk.Command) {
		c.Call = p.form.For
		r.Commands = append(r.Commands, c)
	}
	switch {
	case ask.Use != nil:
		add(desk.Command{Verb: desk.Open, Record: ask.Use.Ref})
	case ask.SaveAnyway:
		if values, ok := p.form.Values(); ok {
			values[crm.SaveAnyway] = "true"
			add(desk.Command{Verb: desk.Create, Values: values})
		}
	case ask.RecordType != "":
		add(desk.Command{Verb: desk.RecordType, Text: ask.RecordType, Values: p.form.Now()})
	case ask.Changed:
		add(desk.Command{Verb: desk.Typed, Values: p.form.Now()})
	}
	if ask.Find != nil {
		add(desk.Command{Verb: desk.FindRecord, Text: *ask.Find, Values: map[string]string{"field": ask.Field}})
	}
	return r
}

// formHeading is what the form does, and for whom.
func (p *Page) formHeading() string { return p.heading(p.form.Title()) }
