prompts {
  system = <<-END
    You are a helper.
      Answer "briefly" \n.
    END
  other  = <<END
one
  two
END
}
