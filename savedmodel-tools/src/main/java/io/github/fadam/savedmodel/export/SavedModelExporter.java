package io.github.fadam.savedmodel.export;

import io.github.fadam.framework.file.WholeDirectory;
import io.github.fadam.ops.variable.Variables;
import io.github.fadam.savedmodel.model.ModelVariable;
import io.github.fadam.savedmodel.model.SavedModel;
import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileVisitOption;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.tensorflow.Graph;
import org.tensorflow.Operation;
import org.tensorflow.SavedModelBundle;
import org.tensorflow.Session;
import org.tensorflow.exceptions.TensorFlowException;
import org.tensorflow.op.Ops;
import org.tensorflow.proto.SaverDef;
import org.tensorflow.types.TString;

/**
 * Writes a loaded model with the values that its variables have now: a copy of the whole directory
 * in which only {@code variables/} is new.
 *
 * <p>The model's own save operation writes the values. Before that, the second copies that a Keras
 * 3 export holds of its variables are given the values of the first: a session reads one set,
 * {@code tf.saved_model.load} the other. {@code fingerprint.pb} is left out, it would no longer be
 * true.
 *
 * <p>Not safe for use by several threads. Holds no native memory of its own; the bundle stays the
 * caller's and must be open while this is used.
 */
public final class SavedModelExporter {

  private static final String MODEL_FILE = "saved_model.pb";
  private static final String VARIABLES = "variables";
  private static final String FINGERPRINT = "fingerprint.pb";
  private static final Pattern VERSION = Pattern.compile("[0-9]{1,18}");

  private final SavedModel model;
  private final Session session;
  private final SaverDef saver;
  private final Optional<Operation> synchronize;

  private SavedModelExporter(
      SavedModel model, Session session, SaverDef saver, Optional<Operation> synchronize) {
    this.model = model;
    this.session = session;
    this.saver = saver;
    this.synchronize = synchronize;
  }

  /**
   * Prepares the export of a loaded model: adds the operations that copy values between copies of a
   * variable to its graph, once.
   *
   * @param model the model's description
   * @param bundle the same model, loaded
   * @return the exporter
   * @throws IllegalArgumentException if the bundle was not loaded from this model; the graph is as
   *     it was before
   */
  public static SavedModelExporter of(SavedModel model, SavedModelBundle bundle) {
    Graph graph = bundle.graph();
    SaverDef saver = model.metaGraph().getSaverDef();
    if (!saver.getSaveTensorName().isEmpty()) {
      require(graph, model, saver.getSaveTensorName());
      require(graph, model, saver.getFilenameTensorName());
    }
    List<ModelVariable> doubled =
        model.variables().stream().filter(variable -> !variable.copies().isEmpty()).toList();
    for (ModelVariable variable : doubled) {
      require(graph, model, variable.handle());
      variable.copies().forEach(copy -> require(graph, model, copy));
    }
    if (doubled.isEmpty()) {
      return new SavedModelExporter(model, bundle.session(), saver, Optional.empty());
    }
    Ops tf = Ops.create(graph).withSubScope("export");
    List<Operation> assigns = new ArrayList<>();
    for (ModelVariable variable : doubled) {
      for (String copy : variable.copies()) {
        assigns.add(Variables.copy(tf, graph.output(variable.handle()), graph.output(copy)));
      }
    }
    Operation all = tf.withControlDependencyOps(assigns).noOp().op();
    return new SavedModelExporter(model, bundle.session(), saver, Optional.of(all));
  }

  private static void require(Graph graph, SavedModel model, String name) {
    if (graph.output(name) == null) {
      throw new IllegalArgumentException(
          "Expected the graph of "
              + model.directory()
              + ", found one without "
              + name
              + "; pass the bundle that was loaded from the same directory.");
    }
  }

  /**
   * Writes the model.
   *
   * @param target directory to write; missing parents are made
   * @param overwrite whether a SavedModel that is there already may be replaced
   * @throws FileAlreadyExistsException if the target exists and {@code overwrite} is false, or it
   *     holds something else than a SavedModel; nothing has been written then
   * @throws IllegalArgumentException if the target is the source model, inside it or around it;
   *     nothing has been written then
   * @throws IOException if something cannot be written; the target is as it was before
   */
  public void export(Path target, boolean overwrite) throws IOException {
    try {
      requireTarget(model.directory(), target, overwrite);
      WholeDirectory.write(
          target,
          overwrite,
          directory -> {
            copyFiles(directory);
            saveVariables(directory);
            Files.copy(model.directory().resolve(MODEL_FILE), directory.resolve(MODEL_FILE));
          });
    } catch (FileAlreadyExistsException e) {
      throw e;
    } catch (IOException e) {
      throw new IOException(
          "Could not write the model to "
              + target
              + " ("
              + e.getMessage()
              + "); nothing was left there. Check that the place is writable and has room.",
          e);
    }
  }

  /**
   * Writes the model as the next version below a directory that TensorFlow Serving watches: {@code
   * BASE/1} where there is none yet, else one more than the highest number there.
   *
   * @param base the directory of the versions; made if it does not exist
   * @return the directory of the new version
   * @throws IllegalArgumentException if it is inside the source model; nothing has been written
   *     then
   * @throws IOException if something cannot be written; the versions are as they were before
   */
  public Path exportVersion(Path base) throws IOException {
    while (true) {
      Path version = base.resolve(Long.toString(nextVersion(base)));
      try {
        export(version, false);
        return version;
      } catch (FileAlreadyExistsException e) {
        if (!Files.exists(version, LinkOption.NOFOLLOW_LINKS)) {
          throw e;
        }
        // Somebody else wrote this version meanwhile: the one after it is free.
      }
    }
  }

  /**
   * Checks whether {@link #exportVersion} could write there, for those who want to know before they
   * train.
   *
   * @param model directory of the source model
   * @param base the directory of the versions
   * @throws IllegalArgumentException if it is inside the source model
   * @throws IOException if the places cannot be looked at
   */
  public static void requireVersions(Path model, Path base) throws IOException {
    requireTarget(model, base.resolve(Long.toString(nextVersion(base))), false);
  }

  private static long nextVersion(Path base) throws IOException {
    if (!Files.exists(base)) {
      return 1;
    }
    try (Stream<Path> children = Files.list(base)) {
      return 1
          + children
              .map(child -> child.getFileName().toString())
              .filter(name -> VERSION.matcher(name).matches())
              .mapToLong(Long::parseLong)
              .max()
              .orElse(0);
    }
  }

  /**
   * Checks whether {@link #export} could write there, for those who want to know before they train.
   *
   * @param model directory of the source model
   * @param target directory to write
   * @param overwrite whether a SavedModel that is there already may be replaced
   * @throws FileAlreadyExistsException if the target exists and {@code overwrite} is false, or it
   *     holds something else than a SavedModel
   * @throws IllegalArgumentException if the target is the source model, inside it or around it
   * @throws IOException if the places cannot be looked at
   */
  public static void requireTarget(Path model, Path target, boolean overwrite) throws IOException {
    requireApart(model, target);
    WholeDirectory.requireFree(target, overwrite);
    requireReplaceable(target);
  }

  /** Writing over the source model, or replacing a directory that holds it, would destroy it. */
  private static void requireApart(Path model, Path target) throws IOException {
    Path source = model.toRealPath();
    Path place = realPath(target.toAbsolutePath().normalize());
    if (place.startsWith(source) || source.startsWith(place)) {
      throw new IllegalArgumentException(
          "Expected a target apart from the source model "
              + source
              + ", found "
              + place
              + "; choose a directory that is neither the model, nor inside it, nor around it.");
    }
  }

  private static Path realPath(Path path) throws IOException {
    Path parent = path.getParent();
    if (parent == null || Files.exists(path)) {
      return path.toRealPath();
    }
    return realPath(parent).resolve(path.getFileName());
  }

  private static void requireReplaceable(Path target) throws IOException {
    if (!Files.isDirectory(target, LinkOption.NOFOLLOW_LINKS)
        || Files.exists(target.resolve(MODEL_FILE))) {
      return;
    }
    try (var children = Files.list(target)) {
      if (children.findAny().isPresent()) {
        throw new FileAlreadyExistsException(
            target.toString(),
            null,
            "expected nothing or a SavedModel there, found a directory with other files; choose"
                + " another directory");
      }
    }
  }

  private void copyFiles(Path directory) throws IOException {
    Path source = model.directory();
    Files.walkFileTree(
        source,
        EnumSet.of(FileVisitOption.FOLLOW_LINKS),
        Integer.MAX_VALUE,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult preVisitDirectory(Path visited, BasicFileAttributes attributes)
              throws IOException {
            Path relative = source.relativize(visited);
            if (writesItself(relative)) {
              return FileVisitResult.SKIP_SUBTREE;
            }
            Files.createDirectories(directory.resolve(relative.toString()));
            return FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
              throws IOException {
            Path relative = source.relativize(file);
            String name = relative.toString();
            if (!name.equals(MODEL_FILE) && !name.equals(FINGERPRINT)) {
              Files.copy(file, directory.resolve(name), StandardCopyOption.REPLACE_EXISTING);
            }
            return FileVisitResult.CONTINUE;
          }
        });
  }

  private boolean writesItself(Path relative) {
    return relative.toString().equals(VARIABLES) && !saver.getSaveTensorName().isEmpty();
  }

  private void saveVariables(Path directory) throws IOException {
    if (saver.getSaveTensorName().isEmpty()) {
      return; // a model without variables
    }
    Path variables = Files.createDirectories(directory.resolve(VARIABLES));
    String prefix = variables.resolve(VARIABLES).toString();
    try (TString path = TString.scalarOf(prefix)) {
      if (synchronize.isPresent()) {
        session.runner().addTarget(synchronize.get()).run();
      }
      session
          .runner()
          .feed(saver.getFilenameTensorName(), path)
          .fetch(saver.getSaveTensorName())
          .run()
          .close();
    } catch (TensorFlowException e) {
      throw new IOException("the model's save operation failed: " + e.getMessage(), e);
    }
    if (!Files.isRegularFile(directory.resolve(VARIABLES).resolve(VARIABLES + ".index"))) {
      throw new IOException("the model's save operation wrote no " + VARIABLES + ".index");
    }
  }
}
