package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
)

// Who invents a kind of errand must also say who carries it out: an errand that nobody knows waits on the agent's disk for ever.
func TestEveryKindOfErrandIsCarriedOutBySomebody(t *testing.T) {
	constants := func(file string) (names []string) {
		tree, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range tree.Decls {
			if g, ok := d.(*ast.GenDecl); ok && g.Tok == token.CONST {
				for _, s := range g.Specs {
					for _, n := range s.(*ast.ValueSpec).Names {
						if strings.HasSuffix(n.Name, "Errand") && n.IsExported() {
							names = append(names, n.Name)
						}
					}
				}
			}
		}
		return names
	}
	kinds := 0
	used := map[string]bool{}
	tree, err := parser.ParseFile(token.NewFileSet(), "errand.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(tree, func(n ast.Node) bool {
		if kv, ok := n.(*ast.KeyValueExpr); ok {
			if sel, ok := kv.Key.(*ast.SelectorExpr); ok {
				used[sel.Sel.Name] = true
			}
		}
		return true
	})
	for _, room := range []string{"../../crm", "../../desk"} {
		err := filepath.WalkDir(room, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") || strings.Contains(path, "testdata") {
				return err
			}
			for _, name := range constants(path) {
				kinds++
				if !used[name] {
					t.Errorf("%s: nobody carries out %s: errandFuncs does not name it", path, name)
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if kinds == 0 {
		t.Error("no kind of errand was found: they are constants whose names end in Errand")
	}
}
