package io.github.fadam.framework;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;
import io.github.fadam.framework.rule.Rule;

@AnalyzeClasses(
    packages = {"io.github.fadam", "org.tensorflow"},
    importOptions = {ImportOption.DoNotIncludeTests.class, ArchitectureTest.OnlyOurs.class})
class ArchitectureTest {

  /** Folders of this build; TensorFlow's jars are not ours to judge. */
  static final class OnlyOurs implements ImportOption {
    @Override
    public boolean includes(com.tngtech.archunit.core.importer.Location location) {
      return location.contains("/fadam-ops") || !location.isJar();
    }
  }

  @ArchTest
  static final ArchRule rulesKnowNothingOfVariablesSchedulesAndGroups =
      noClasses()
          .that()
          .implement(Rule.class)
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage("..ops.variable..", "..ops.gradient..", "..schedule..", "..group..");

  @ArchTest
  static final ArchRule theContractKnowsTheFisherPiecesAtMost =
      classes()
          .that()
          .resideInAPackage("..framework.rule..")
          .should()
          .onlyDependOnClassesThat()
          .resideInAnyPackage("..framework.rule..", "..ops.fisher..", "org.tensorflow..", "java..");

  @ArchTest
  static final ArchRule lossesAndSchedulesStandAlone =
      noClasses()
          .that()
          .resideInAnyPackage("..framework.loss..", "..framework.schedule..")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage("..framework.optimizer..", "..framework.rule..", "..ops..");

  @ArchTest
  static final ArchRule groupsAndGradientsKnowNoOptimizer =
      noClasses()
          .that()
          .resideInAnyPackage("..framework.group..", "..framework.gradient..")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage("..framework.optimizer..");

  @ArchTest
  static final ArchRule packagesHaveNoCycles =
      slices().matching("io.github.fadam.(**)").should().beFreeOfCycles();

  @ArchTest
  static final ArchRule nothingOfOursIsInTensorFlowsPackages =
      classes().should().resideOutsideOfPackage("org.tensorflow..");

  @ArchTest
  static final ArchRule namesSayWhatAClassIs =
      noClasses()
          .should()
          .haveSimpleNameEndingWith("Util")
          .orShould()
          .haveSimpleNameEndingWith("Utils")
          .orShould()
          .haveSimpleNameEndingWith("Helper")
          .orShould()
          .haveSimpleNameEndingWith("Manager")
          .orShould()
          .haveSimpleNameEndingWith("Impl");
}
