package main

import (
	"context"

	"github.com/spf13/cobra"

	"offhook/config"
)

func newHubCmd(*env) *cobra.Command     { return &cobra.Command{Use: "hub", Hidden: true} }
func newMonitorCmd(*env) *cobra.Command { return &cobra.Command{Use: "monitor", Hidden: true} }

func attachHub(context.Context, *workplace, *config.Loaded, *env) {}
