package emulator

// columnMetadata answers /query?columns=true, with which sf learns the columns of a query before it runs it.
func (q *soql) columnMetadata() map[string]any {
	columns := []any{}
	if g := q.groups; g != nil {
		for _, sel := range g.selected {
			var kind string
			if sel.function >= 0 {
				kind = g.functions[sel.function].kind
			} else {
				kind = g.by[sel.by].kind()
			}
			m := column(sel.name, kind, false, false, false)
			m["aggregate"] = sel.function >= 0
			columns = append(columns, m)
		}
		return map[string]any{"columnMetadata": columns, "entityName": q.object.name, "groupBy": true, "idSelected": false, "keyPrefix": q.object.prefix}
	}
	byRelation := make(map[string]map[string]any)
	selected := false
	for _, p := range q.columns {
		kind, custom, create, update := p.kind(), false, false, false
		if p.leaf != nil {
			custom, create, update = p.leaf.custom(), p.leaf.create, p.leaf.update
		}
		leaf := column(p.name, kind, custom, create, update)
		if len(p.steps) == 0 {
			selected = selected || p.name == "Id"
			columns = append(columns, leaf)
			continue
		}
		// A parent is a column with columns of its own.
		at := ""
		var parent map[string]any
		for _, step := range p.steps {
			at += "." + step.relation
			if byRelation[at] == nil {
				m := column(step.relation, "reference", false, false, false)
				byRelation[at] = m
				if parent == nil {
					columns = append(columns, m)
				} else {
					parent["joinColumns"] = append(parent["joinColumns"].([]any), m)
				}
			}
			parent = byRelation[at]
		}
		parent["joinColumns"] = append(parent["joinColumns"].([]any), leaf)
	}
	for _, sub := range q.subs {
		m := column(sub.relation, "reference", false, false, false)
		m["aggregate"] = true
		m["joinColumns"] = sub.query.columnMetadata()["columnMetadata"]
		columns = append(columns, m)
	}
	return map[string]any{"columnMetadata": columns, "entityName": q.object.name, "groupBy": false, "idSelected": selected, "keyPrefix": q.object.prefix}
}

func column(name, kind string, custom, create, update bool) map[string]any {
	apex := map[string]string{"id": "Id", "reference": "Id", "boolean": "Boolean", "int": "Integer", "double": "Double", "currency": "Double",
		"percent": "Double", "date": "Date", "datetime": "Datetime"}[kind]
	if apex == "" {
		apex = "String"
	}
	return map[string]any{"aggregate": false, "apexType": apex, "booleanType": kind == "boolean", "columnName": name, "custom": custom, "displayName": name,
		"foreignKeyName": nil, "insertable": create, "joinColumns": []any{}, "numberType": apex == "Integer" || apex == "Double",
		"textType": apex == "String", "updatable": update}
}
