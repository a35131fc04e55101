a = <<-END
    é
    END
