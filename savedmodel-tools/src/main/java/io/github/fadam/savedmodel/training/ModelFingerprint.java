package io.github.fadam.savedmodel.training;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.DigestInputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;

/**
 * Tells SavedModels apart, by graph and by values: the index of the variables holds a checksum of
 * every tensor.
 */
final class ModelFingerprint {

  private static final List<String> FILES = List.of("saved_model.pb", "variables/variables.index");
  private static final int DIGITS = 32;

  private ModelFingerprint() {}

  static String of(Path model) {
    try {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      for (String name : FILES) {
        Path file = model.resolve(name);
        if (Files.exists(file)) {
          try (InputStream in = new DigestInputStream(Files.newInputStream(file), digest)) {
            in.transferTo(OutputStream.nullOutputStream());
          }
        }
      }
      return HexFormat.of().formatHex(digest.digest()).substring(0, DIGITS);
    } catch (IOException e) {
      throw new UncheckedIOException("Could not read the model at " + model + ": " + e, e);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("Every Java has SHA-256.", e);
    }
  }
}
