package io.github.fadam.savedmodel.zoo;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;

/** What was found about one model, as far as its test came. */
final class ZooResult {

  private final Map<String, Object> entries = new LinkedHashMap<>();

  ZooResult(String model) {
    entries.put("model", model);
  }

  void put(String what, Object found) {
    entries.put(what, found);
  }

  void write(Path file) throws IOException {
    new ObjectMapper().writerWithDefaultPrettyPrinter().writeValue(file.toFile(), entries);
  }
}
