# A host whose tenants edit their settings themselves. Plans say what each kind of
# customer has, and tenant_policy what a tenant may change of it in its own settings:
#
#   bin/botyard config check --config configs/examples/tenants.hcl
#
# The operator gives a tenant its plan, with plan = "gold" in the tenant's file or in what
# is put with the admin token. See docs/security.md, "Letting tenants edit their
# settings". Relative paths start at this file's folder.

listen      = "127.0.0.1:8080"
data_dir    = "../../data"
plugin_dirs = ["../../bin/plugins"]

defaults {
  plan = "free"

  llm {
    provider = "echo" # repeats what reached it; offline
  }
  prompts {
    system = "You are the assistant of {{company}}. {{rules}}"
    variables {
      company = "a customer"
      rules   = "Be polite."
    }
  }
}

# What a tenant of no plan, or of one without a policy of its own, may set itself: all that
# the schemas mark as the tenant's, but not the system prompt.
tenant_policy {
  keys = ["prompts.variables.company", "memory.*", "limits.*", "llm.*"]
}

# Where addresses in their settings may lead: anywhere public, and to one server of ours.
egress {
  tenants = "public"
  allow   = ["models.example.com:8443"]
}

plan "free" {
  limits {
    turns_per_minute = 6
    reply_tokens     = 500
  }
}

plan "gold" {
  limits {
    turns_per_minute = 120
  }
  memory {
    max_messages = 100
  }
  # Its tenants may write their own prompt, and bring a key of their own.
  tenant_policy {
    keys    = ["*", "llm.api_key"]
    plugins = { llm = ["ollama"] }
  }
}
