prompts {
  system = <<END
one
two
END
}
